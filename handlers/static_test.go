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
	"glassjar/utl/account"
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

func TestStaticThatTheBrowserHas(t *testing.T) {
	s := newSite(t)
	path := s.assets(t)[0]
	tag := s.browser(t).get(path).Header.Get("ETag")
	got := s.browser(t).get(path, "If-None-Match", tag).want(http.StatusNotModified)
	got.header("ETag", tag).header("Cache-Control", "public, max-age=31536000, immutable").header("Content-Type", "")
	if got.body != "" {
		t.Errorf("a 304 with a body of %d bytes", len(got.body))
	}
	s.browser(t).get(s.assets(t)[1], "If-None-Match", tag).want(http.StatusOK)
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
		"site.css": {Data: []byte("p{}")}, "site.js": {Data: []byte("1")}, "icon.svg": {Data: []byte("<svg/>")},
	}
	with := func(c *handlers.Config) { c.Static = files }
	first, again := newSite(t, with).assets(t), newSite(t, with).assets(t)
	files["site.css"] = &fstest.MapFile{Data: []byte("q{}")}
	changed := newSite(t, with).assets(t)
	for i, path := range first {
		if path != again[i] {
			t.Errorf("%s is %s the next time", path, again[i])
		}
		if (path != changed[i]) != strings.HasSuffix(path, ".css") {
			t.Errorf("%s is %s once the sheet changed", path, changed[i])
		}
	}
}

// Every page, with the files that it fetches, is under 14 KB as it is sent: what
// a server sends before it waits to hear that it arrived (RFC 6928: ten
// segments). The lab's pages, which show what a browser sent, are so compressed.
func TestPagesArriveInOneRoundTrip(t *testing.T) {
	s := newSite(t, withGate, withLab)
	s.add(t, "ada", account.Owner)
	b, stranger := s.signedIn(t, "ada"), s.browser(t)
	b.header.Set("Accept-Encoding", "gzip")
	stranger.header = b.header
	s.appPassword(t, "ada", account.AppPassword{Name: "backup"})
	b.get("/lab/session")
	key := b.post("/lab/key", b.get("/lab/key").button("Show the lab's key")...)
	signed := b.post("/lab/key", key.button("Sign it with the key")...)
	for name, page := range map[string]*answer{
		"sign-in": stranger.get("/?next=/account"), "sign-in, a mistake": stranger.signIn("ada", "x"),
		"join": stranger.get(s.link(t, account.Member)), "join, a mistake": stranger.post(s.link(t, account.Member), "username", "a b"),
		"reset": stranger.get(s.link(t, "ada")), "not found": stranger.get("/nowhere"),
		"home": b.get("/"), "sign-out": b.get("/logout"), "account": b.get("/account"), "account, a mistake": b.post("/account/password", "current", "x"),
		"account, an app password": b.post("/account/app-passwords", "name", "x", "current", good),
		"lab":                      b.get("/lab"), "lab, request": b.get("/lab/request?username=ada&sub1=cookies"), "lab, session": b.get("/lab/session"),
		"lab, cookie": b.get("/lab/cookie"), "lab, cookie refused": b.post("/lab/cookie", b.get("/lab/cookie").button("Make me admin")...),
		"lab, key": signed, "lab, wire": b.post("/lab/wire", "secret", strings.Repeat("é", 200)), "lab, key refused": b.post("/lab/key", signed.button("Change one letter of it")...),
	} {
		page.wantPage()
		page.header("Content-Encoding", "") // a page may hold secrets, and its compressed size would tell of them
		total := len(page.body)
		if strings.HasPrefix(name, "lab") {
			total = gzipped(t, page.body)
		}
		page.find("link[href], script[src]").Each(func(_ int, e *goquery.Selection) {
			total += len(b.get(e.AttrOr("href", "") + e.AttrOr("src", "")).want(http.StatusOK).body)
		})
		t.Logf("%s: %d bytes of HTML, %d in all", name, len(page.body), total)
		if total > 14<<10 {
			t.Errorf("%s: %d bytes in all, want at most %d", name, total, 14<<10)
		}
	}
}

// gzipped returns the length of the text compressed.
func gzipped(t *testing.T, text string) int {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}
