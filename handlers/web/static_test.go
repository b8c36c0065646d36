package web_test

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
	"glassjar/handlers/webtest"
	"glassjar/static"
	"glassjar/utl/account"
)

// assets returns the paths of the files that the sign-in page uses.
func assets(t *testing.T, s *webtest.Site) []string {
	t.Helper()
	paths := s.Browser(t).Get("/").Find("link[href], script[src]").Map(func(_ int, e *goquery.Selection) string {
		return e.AttrOr("href", "") + e.AttrOr("src", "")
	})
	if len(paths) != 3 {
		t.Fatalf("the page fetches %q, want three files", paths)
	}
	return paths
}

func TestStatic(t *testing.T) {
	s := webtest.New(t)
	for _, path := range assets(t, s) {
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
			got := s.Browser(t).Get(path, "Accept-Encoding", accept).Want(http.StatusOK)
			got.WantHeader("Content-Encoding", encoding).WantHeader("Vary", "Accept-Encoding").WantHeader("Content-Type", kind)
			got.WantHeader("Cache-Control", "public, max-age=31536000, immutable")
			if got.ContentLength != int64(len(got.Body)) {
				t.Errorf("%s, %s: Content-Length %d for %d bytes", path, accept, got.ContentLength, len(got.Body))
			}
			if !bytes.Equal(decoded(t, got), want) {
				t.Errorf("%s, %s: the content differs", path, accept)
			}
			head := s.Browser(t)
			head.Exchange(head.Request(http.MethodHead, path, "", "Accept-Encoding", accept)).Want(http.StatusOK).WantHeader("Content-Encoding", encoding)
		}
	}
}

func TestStaticThatTheBrowserHas(t *testing.T) {
	s := webtest.New(t)
	path := assets(t, s)[0]
	tag := s.Browser(t).Get(path).Header.Get("ETag")
	got := s.Browser(t).Get(path, "If-None-Match", tag).Want(http.StatusNotModified)
	got.WantHeader("ETag", tag).WantHeader("Cache-Control", "public, max-age=31536000, immutable").WantHeader("Content-Type", "")
	if got.Body != "" {
		t.Errorf("a 304 with a body of %d bytes", len(got.Body))
	}
	s.Browser(t).Get(assets(t, s)[1], "If-None-Match", tag).Want(http.StatusOK)
}

func decoded(t *testing.T, got *webtest.Answer) []byte {
	t.Helper()
	if got.Header.Get("Content-Encoding") != "gzip" {
		return []byte(got.Body)
	}
	z, err := gzip.NewReader(strings.NewReader(got.Body))
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
	s := webtest.New(t)
	for _, path := range []string{
		"/static/", "/static/site.css", "/static/site.0000000000000000.css", "/static/static.go", "/static/%2e%2e%2fgo.mod",
		"/static/x/" + assets(t, s)[0][len("/static/"):], assets(t, s)[0] + "/", assets(t, s)[0] + "%00",
	} {
		s.Browser(t).Get(path).Want(http.StatusNotFound).WantHeader("Cache-Control", "no-store")
	}
}

// The name of a file changes if and only if its content does.
func TestFingerprints(t *testing.T) {
	files := fstest.MapFS{
		"site.css": {Data: []byte("p{}")}, "site.js": {Data: []byte("1")}, "icon.svg": {Data: []byte("<svg/>")},
	}
	with := func(c *handlers.Config) { c.Static = files }
	first, again := assets(t, webtest.New(t, with)), assets(t, webtest.New(t, with))
	files["site.css"] = &fstest.MapFile{Data: []byte("q{}")}
	changed := assets(t, webtest.New(t, with))
	for i, path := range first {
		if path != again[i] {
			t.Errorf("%s is %s the next time", path, again[i])
		}
		if (path != changed[i]) != strings.HasSuffix(path, ".css") {
			t.Errorf("%s is %s once the sheet changed", path, changed[i])
		}
	}
}

// Every page, with the files that it uses, is smaller than 14 KB as sent: a server sends that
// much before it waits for an acknowledgement (RFC 6928: ten segments). The lab's pages show
// what the browser sent, and count as if a proxy compressed them; except for the first of
// them, the files that every page uses are in the browser's cache already.
func TestPagesArriveInOneRoundTrip(t *testing.T) {
	s := webtest.New(t, webtest.WithGate, webtest.WithLab)
	s.Add(t, "ada", account.Owner)
	b, stranger := s.SignedIn(t, "ada"), s.Browser(t)
	b.Header.Set("Accept-Encoding", "gzip")
	stranger.Header = b.Header
	s.AppPassword(t, "ada", account.AppPassword{Name: "backup"})
	always := stranger.Get("/").Body
	b.Get("/lab/session")
	key := b.Post("/lab/key", b.Get("/lab/key").Button("Show the lab's key")...)
	signed := b.Post("/lab/key", key.Button("Sign it with the key")...)
	for name, page := range map[string]*webtest.Answer{
		"sign-in": stranger.Get("/?next=/account"), "sign-in, a mistake": stranger.SignIn("ada", "x"),
		"join": stranger.Get(s.Link(t, account.Member)), "join, a mistake": stranger.Post(s.Link(t, account.Member), "username", "a b"),
		"reset": stranger.Get(s.Link(t, "ada")), "not found": stranger.Get("/nowhere"),
		"home": b.Get("/"), "sign-out": b.Get("/logout"), "account": b.Get("/account"), "account, a mistake": b.Post("/account/password", "current", "x"),
		"account, an app password": b.Post("/account/app-passwords", "name", "x"),
		"lab":                      b.Get("/lab"), "lab, request": b.Get("/lab/request?username=ada&sub1=cookies"), "lab, session": b.Get("/lab/session"),
		"lab, cookie": b.Get("/lab/cookie"), "lab, cookie refused": b.Post("/lab/cookie", b.Get("/lab/cookie").Button("Make me admin")...),
		"lab, key": signed, "lab, password": b.Post("/lab/password", "password", "x"), "lab, code": b.Post("/lab/code", "code", "1"), "lab, passkey": b.Post("/lab/passkey", "do", "soft"), "lab, sheet": b.Get("/lab/sheet"),
		"lab, wire": b.Post("/lab/wire", "secret", strings.Repeat("é", 200)), "lab, key refused": b.Post("/lab/key", signed.Button("Change one letter of it")...),
	} {
		page.WantPage()
		page.WantHeader("Content-Encoding", "") // not compressed: a page may contain secrets, which its size would reveal
		total := len(page.Body)
		if strings.HasPrefix(name, "lab") {
			total = gzipped(t, page.Body)
		}
		page.Find("link[href], script[src]").Each(func(_ int, e *goquery.Selection) {
			if path := e.AttrOr("href", "") + e.AttrOr("src", ""); !strings.HasPrefix(name, "lab,") || !strings.Contains(always, path) {
				total += len(b.Get(path).Want(http.StatusOK).Body)
			}
		})
		t.Logf("%s: %d bytes of HTML, %d in all", name, len(page.Body), total)
		if total > 14<<10 {
			t.Errorf("%s: %d bytes in all, want at most %d", name, total, 14<<10)
		}
	}
}

// gzipped returns the compressed size of the text in bytes.
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
