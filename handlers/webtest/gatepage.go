package webtest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// maxGatePage is the maximum size of a page of the gate, in bytes.
const maxGatePage = 6 << 10

// WantGatePage fails the test unless the response is a page that needs no other file, with a
// policy that allows its own style and nothing else.
func (a *Answer) WantGatePage() {
	a.T.Helper()
	if a.Find("link, script, img, form, iframe, object, [src], [style]").Length() > 0 || a.Find("main#main h1").Length() != 1 || len(a.Body) > maxGatePage {
		a.T.Errorf("the page needs more than itself, or has too many bytes (%d):\n%s", len(a.Body), a.Body)
	}
	style := a.Find("style").Text()
	if got, want := a.Header["Content-Security-Policy"], gatePolicy(style); a.Find("style").Length() != 1 || len(got) != 1 || got[0] != want {
		a.T.Errorf("the policy is %q, want %q", got, want)
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		a.T.Errorf("the style loads something: %s", style)
	}
	a.Find("[href]").Each(func(_ int, one *goquery.Selection) {
		to, err := url.Parse(one.AttrOr("href", ""))
		if err != nil || !to.IsAbs() || to.Host == "" || goquery.NodeName(one) != "a" {
			a.T.Errorf("on the app's host, %q is not ours", one.AttrOr("href", ""))
		}
	})
}

// gatePolicy returns the policy of a page of the gate with this style.
func gatePolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
}

// isForAppHost reports whether the path is served on an app's host.
func isForAppHost(path string) bool {
	return strings.HasPrefix(path, "/gate/") || strings.HasPrefix(path, "/api/authz/")
}
