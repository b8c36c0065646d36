package handlers_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers"
	"glassjar/static"
)

// assets returns the paths of what the sign-in page fetches.
func (s *testSite) assets(t *testing.T) []string {
	t.Helper()
	paths := s.browser(t).get("/").find("link[href], script[src]").Map(func(_ int, e *goquery.Selection) string {
		return e.AttrOr("href", "") + e.AttrOr("src", "")
	})
	if len(paths) != 3 {
		t.Fatalf("the page fetches %q, want three files", paths)
	}
	return paths
}

func TestStatic(t *testing.T) {
	s := newSite(t)
	for _, path := range s.assets(t) {
		name := strings.TrimPrefix(path, "/static/")
		parts := strings.Split(name, ".")
		if len(parts) != 3 || len(parts[1]) != 16 {
			t.Fatalf("%s has no fingerprint", path)
		}
		want, err := fs.ReadFile(static.FS, parts[0]+"."+parts[2])
		if err != nil {
			t.Fatal(err)
		}
		kind := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}[parts[2]]
		for accept, encoding := range map[string]string{
			"identity": "", "gzip": "gzip", "br, gzip;q=0.5": "gzip", "br": "", "deflate, GZIP": "gzip", "gzip;q=0": "", "gzip; q=0.0, br": "", "x-gzip": "",
		} {
			got := s.browser(t).get(path, "Accept-Encoding", accept).want(http.StatusOK)
			got.header("Content-Encoding", encoding).header("Vary", "Accept-Encoding").header("Content-Type", kind)
			got.header("Cache-Control", "public, max-age=31536000, immutable")
			if got.ContentLength != int64(len(got.body)) {
				t.Errorf("%s, %s: Content-Length %d for %d bytes", path, accept, got.ContentLength, len(got.body))
			}
			if !bytes.Equal(decoded(t, got), want) {
				t.Errorf("%s, %s: the content differs", path, accept)
			}
			head := s.browser(t)
			head.do(head.request(http.MethodHead, path, "", "Accept-Encoding", accept)).want(http.StatusOK).header("Content-Encoding", encoding)
		}
	}
}

func decoded(t *testing.T, got *answer) []byte {
	t.Helper()
	if got.Header.Get("Content-Encoding") != "gzip" {
		return []byte(got.body)
	}
	z, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestStaticThatIsNone(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/static/", "/static/site.css", "/static/site.0000000000000000.css", "/static/static.go", "/static/%2e%2e%2fgo.mod",
		"/static/x/" + s.assets(t)[0][len("/static/"):], s.assets(t)[0] + "/", s.assets(t)[0] + "%00",
	} {
		s.browser(t).get(path).want(http.StatusNotFound).header("Cache-Control", "no-store")
	}
}

// A file's name changes with its content, and only then.
func TestFingerprints(t *testing.T) {
	files := fstest.MapFS{
		"site.css": {Data: []byte("p{}")}, "reveal.js": {Data: []byte("1")}, "icon.svg": {Data: []byte("<svg/>")},
	}
	with := func(c *handlers.Config) { c.Static = files }
	first, again := newSite(t, with).assets(t), newSite(t, with).assets(t)
	files["site.css"] = &fstest.MapFile{Data: []byte("q{}")}
	changed := newSite(t, with).assets(t)
	for i, path := range first {
		if path != again[i] {
			t.Errorf("%s is %s the next time", path, again[i])
		}
		if (path != changed[i]) != strings.HasPrefix(path, "/static/site.") {
			t.Errorf("%s is %s once the sheet changed", path, changed[i])
		}
	}
}
