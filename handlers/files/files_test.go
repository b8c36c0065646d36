package files_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// pagesSite is a site with files in PAGES_DIR, and one file beside it.
func pagesSite(t *testing.T) (*webtest.Site, *webtest.Browser) {
	t.Helper()
	s := webtest.New(t)
	for name, content := range map[string]string{
		"index.html": "<h1>Start</h1>", "notes.html": "<h1>Notes</h1>", "LOUD.HTML": "<h1>Loud</h1>", "noext": "<h1>No extension</h1>",
		"page.xhtml": "<html/>", "a b/ö.txt": "text", "folder/index.html": "<h1>Folder</h1>", "empty/x.txt": "x",
		"pic.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "data.json": "{}", "style.css": "p{}", "script.js": "1",
		".env": "SECRET", ".git/config": "SECRET", "folder/.hidden": "SECRET", "../outside.txt": "SECRET",
	} {
		s.Write(t, name, content)
	}
	for link, target := range map[string]string{
		"out.txt": "../outside.txt", "outdir": "..", "absolute": "/etc/passwd", "loop": "loop", "in.txt": "a b/ö.txt",
	} {
		if err := os.Symlink(target, filepath.Join(s.Pages, link)); err != nil {
			t.Fatal(err)
		}
	}
	pipe := filepath.Join(s.Pages, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // unblocks whoever waits for the other end, if the test failed
		if f, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil {
			_ = f.Close()
		}
	})
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	b.Timeout = 10 * time.Second
	return s, b
}

func TestPages(t *testing.T) {
	_, b := pagesSite(t)
	html, plain := "text/html; charset=utf-8", "text/plain; charset=utf-8"
	for _, row := range []struct{ name, path, kind, body string }{
		{"the start", "/pages/", html, "<h1>Start</h1>"},
		{"its index by name", "/pages/index.html", html, "<h1>Start</h1>"},
		{"a page", "/pages/notes.html", html, "<h1>Notes</h1>"},
		{"a page in capitals", "/pages/LOUD.HTML", html, "<h1>Loud</h1>"},
		{"a page without an extension", "/pages/noext", html, "<h1>No extension</h1>"},
		{"XHTML", "/pages/page.xhtml", "application/xhtml+xml", "<html/>"},
		{"a folder", "/pages/folder/", html, "<h1>Folder</h1>"},
		{"a space and a letter beyond ASCII", "/pages/a%20b/%C3%B6.txt", plain, "text"},
		{"an encoded slash", "/pages/a%20b%2F%C3%B6.txt", plain, "text"},
		{"a link that stays inside", "/pages/in.txt", plain, "text"},
		{"a picture", "/pages/pic.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"},
		{"JSON", "/pages/data.json", "application/json", "{}"},
		{"a sheet", "/pages/style.css", "text/css; charset=utf-8", "p{}"},
		{"a script", "/pages/script.js", "text/javascript; charset=utf-8", "1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := b.Get(row.path).Want(http.StatusOK).WantHeader("Content-Type", row.kind).WantHeader("Content-Security-Policy", webtest.FilesPolicy)
			if got.Body != row.body {
				t.Errorf("got %q, want %q", got.Body, row.body)
			}
			// HTML is never stored, so that going back after a sign-out does not show it.
			keep := "private, no-cache"
			if strings.Contains(row.kind, "html") {
				keep = "no-store"
			}
			got.WantHeader("Cache-Control", keep)
			if tag := got.Header.Get("ETag"); (tag == "") != (keep == "no-store") {
				t.Errorf("the ETag is %q with %s", tag, keep)
			}
			head := b.Exchange(b.Request(http.MethodHead, row.path, "")).Want(http.StatusOK).WantHeader("Content-Type", row.kind)
			if head.Body != "" || head.ContentLength != int64(len(row.body)) {
				t.Errorf("HEAD: %d bytes, Content-Length %d, want 0 and %d", len(head.Body), head.ContentLength, len(row.body))
			}
		})
	}
}

// No folder is listed, and no dot-files, files outside, or blocking files are served.
func TestPagesThatAreNone(t *testing.T) {
	_, b := pagesSite(t)
	for _, path := range []string{
		"none", "none/", "notes.html/", "notes.html/x", "empty/", "pipe", "pipe/", "loop", "NOTES.html",
		".env", ".git/config", ".git/", "folder/.hidden", "folder/%2ehidden", "%2Eenv", "folder/..%2f.env",
		"out.txt", "outdir/outside.txt", "outdir/", "absolute",
		"%2e%2e/outside.txt", "..%2foutside.txt", "%2e%2e%2foutside.txt", "folder/%2e%2e/%2e%2e/outside.txt",
		"folder/%2e%2e/notes.html", "folder/%2e/index.html", "folder%2f%2findex.html", "%2fetc%2fpasswd", "..%5coutside.txt", "%5c..%5coutside.txt", "folder%5cindex.html", "notes.html%00", "%00",
		"%ff", strings.Repeat("x", 300), strings.Repeat("x/", 2000), "CON", "notes.html::$DATA",
	} {
		t.Run(path[:min(len(path), 40)], func(t *testing.T) {
			got := b.Get("/pages/"+path).Want(http.StatusNotFound).Says("h1", "Not found")
			got.WantHeaders(webtest.HeadersOf{})
		})
	}
	for _, path := range []string{"/pages/../account", "/pages//notes.html", "/pages/./notes.html", "/pages/folder/../../../etc/passwd"} {
		got := b.Get(path).Want(http.StatusTemporaryRedirect) // the mux redirects to the clean path
		if to := got.Header.Get("Location"); strings.Contains(to, "..") || strings.HasPrefix(to, "//") {
			t.Errorf("GET %s leads to %q", path, to)
		}
	}
}

func TestAFolderLeadsToItsSlash(t *testing.T) {
	_, b := pagesSite(t)
	b.Get("/pages/folder").Want(http.StatusSeeOther, "/pages/folder/")
	b.Get("/pages/folder?x=1&y=%2F").Want(http.StatusSeeOther, "/pages/folder/?x=1&y=%2F")
	b.Get("/pages/a%20b").Want(http.StatusSeeOther, "/pages/a%20b/")
	b.Get("/pages/folder//").Want(http.StatusTemporaryRedirect, "/pages/folder/")
}

func TestPagesAreForThoseSignedIn(t *testing.T) {
	s, b := pagesSite(t)
	for path, want := range map[string]string{
		"/pages/":                  "/?next=%2Fpages%2F",
		"/pages/notes.html?a=1&b=": "/?next=%2Fpages%2Fnotes.html%3Fa%3D1%26b%3D",
		"/pages/none":              "/?next=%2Fpages%2Fnone",
		"/pages/.env":              "/?next=%2Fpages%2F.env",
		"/pages/folder":            "/?next=%2Fpages%2Ffolder",
	} {
		s.Browser(t).Get(path).Want(http.StatusSeeOther, want)
		got := s.Browser(t)
		got.Exchange(got.Request(http.MethodHead, path, "")).Want(http.StatusSeeOther, want)
	}
	tag := b.Get("/pages/data.json").Header.Get("ETag")
	s.Browser(t).Get("/pages/data.json", "If-None-Match", tag).Want(http.StatusSeeOther)
	b.Post("/logout")
	b.Get("/pages/data.json", "If-None-Match", tag).Want(http.StatusSeeOther)
}

func TestAFileThatTheBrowserHas(t *testing.T) {
	s, b := pagesSite(t)
	tag := b.Get("/pages/data.json").Header.Get("ETag")
	for _, header := range []string{tag, `"other", ` + tag, "*", "W/" + tag} {
		got := b.Get("/pages/data.json", "If-None-Match", header).Want(http.StatusNotModified)
		got.WantHeader("ETag", tag).WantHeader("Cache-Control", "private, no-cache").WantHeader("Content-Security-Policy", webtest.FilesPolicy)
		if got.Body != "" {
			t.Errorf("a 304 with %q", got.Body)
		}
	}
	b.Get("/pages/data.json", "If-None-Match", `"other"`).Want(http.StatusOK)
	s.Write(t, "data.json", "[]") // the same size as before
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(filepath.Join(s.Pages, "data.json"), later, later); err != nil {
		t.Fatal(err)
	}
	if got := b.Get("/pages/data.json", "If-None-Match", tag).Want(http.StatusOK); got.Body != "[]" {
		t.Errorf("got %q, want the new content", got.Body)
	}
}

func TestPartsOfAFile(t *testing.T) {
	s, b := pagesSite(t)
	s.Write(t, "digits.txt", "0123456789")
	for _, row := range []struct{ of, want, body string }{
		{"bytes=2-4", "bytes 2-4/10", "234"},
		{"bytes=-2", "bytes 8-9/10", "89"},
		{"bytes=8-", "bytes 8-9/10", "89"},
	} {
		got := b.Get("/pages/digits.txt", "Range", row.of).Want(http.StatusPartialContent).WantHeader("Content-Range", row.want)
		if got.Body != row.body {
			t.Errorf("%s: got %q, want %q", row.of, got.Body, row.body)
		}
	}
	for _, of := range []string{"bytes=10-", "bytes=x", "lines=1-2", "bytes=5-2"} {
		got := b.Get("/pages/digits.txt", "Range", of).Want(http.StatusRequestedRangeNotSatisfiable)
		got.Says("h1", "No such part").WantHeader("Cache-Control", "no-store").WantPage()
		got.Header.Del("Content-Range")
		got.Header.Del("Accept-Ranges")
		got.WantHeaders(webtest.HeadersOf{})
	}
}

// A site without PAGES_DIR has no pages, and does not mention them.
func TestNoPages(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { c.Pages = nil })
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	b.Get("/pages/").Want(http.StatusNotFound)
	s.Browser(t).Get("/pages/").Want(http.StatusNotFound)
	if b.Get("/").Find("a[href='/pages/']").Length() != 0 {
		t.Error("home leads to pages that are not there")
	}
}
