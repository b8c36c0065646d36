package handlers_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/templates"
	"glassjar/utl/account"
)

// Attack http/panic: a panic is logged, and answered with the 500 page with every header;
// the next request is not affected.
func TestAPanic(t *testing.T) {
	s := webtest.New(t)
	broken := s.Again(t, func(c *handlers.Config) { c.Accounts = &account.Store{} }) // which panics, because it has no database
	for _, path := range []string{"/join/CANARY", "/readyz"} {
		got := broken.Browser(t).Get(path).Want(http.StatusInternalServerError)
		got.Says("h1", "Something broke").WantHeaders(webtest.HeadersOf{})
		got.WantPage()
		if strings.Contains(got.Body, "nil pointer") {
			t.Error("the page tells of the panic")
		}
	}
	broken.Browser(t).Get("/healthz").Want(http.StatusOK)
	said := strings.Join(s.Log.Lines("msg=panic"), "")
	if strings.Count(said, "\n") != 2 || !strings.Contains(said, "nil pointer") || !strings.Contains(said, "join.go") || strings.Contains(said, "CANARY") {
		t.Errorf("the log says %q, want two panics and where they were", said)
	}
	if n := len(s.Log.Lines("msg=request ")); n != 3 {
		t.Errorf("%d lines of requests, want 3", n)
	}
}

// cut is a connection that breaks in the middle of a response, by a panic.
type cut struct{ *httptest.ResponseRecorder }

func (cut) Write([]byte) (int, error) { panic("cut") }

// A panic after the response began aborts the connection, so that a partial page does not
// look complete.
func TestAPanicInTheMiddleOfAnAnswer(t *testing.T) {
	s := webtest.New(t)
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // a panic's value is not wrapped
			t.Errorf("got the panic %v, want http.ErrAbortHandler", p)
		}
		if len(s.Log.Lines("msg=panic")) != 1 || len(s.Log.Lines("msg=request ")) != 1 {
			t.Errorf("the log says\n%s", s.Log)
		}
	}()
	s.Handler.ServeHTTP(cut{httptest.NewRecorder()}, webtest.With(func(*http.Request) {}))
}

// brokenTemplates returns the templates, of which these fail in the middle.
func brokenTemplates(t *testing.T, names ...string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	all, err := fs.Glob(templates.FS, "*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		content, err := fs.ReadFile(templates.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	for _, name := range names {
		files[name].Data = []byte(`{{define "title"}}Half{{end}}{{define "main"}}<p>half a page</p>{{index .Me.ID 99}}{{end}}`)
	}
	return files
}

// A template that fails in the middle is answered with the complete 500 page, and nothing
// of its own page.
func TestATemplateThatBreaks(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	half := s.Again(t, func(c *handlers.Config) { c.Templates = brokenTemplates(t, "account.html") })
	got := same(half, b).Get("/account").Want(http.StatusInternalServerError).Says("h1", "Something broke")
	got.WantHeaders(webtest.HeadersOf{})
	got.WantPage()
	if strings.Contains(got.Body, "half a page") {
		t.Error("half a page was sent")
	}
	if len(s.Log.Lines("rendering the page account")) != 1 {
		t.Error("the log does not say what broke")
	}
}

// same returns the browser with its cookies, for this site.
func same(s *webtest.Site, b *webtest.Browser) *webtest.Browser {
	b.T.Helper()
	twin := b.Clone()
	twin.Transport = s.Client().Transport
	return twin
}

// New returns an error for a site that cannot work.
func TestASiteThatCannotStart(t *testing.T) {
	config := webtest.New(t).Settings
	for name, change := range map[string]func(*handlers.Config){
		"a template that does not parse": func(c *handlers.Config) {
			c.Templates = fstest.MapFS{"layout.html": {Data: []byte("{{")}, "home.html": {Data: []byte("{{")}}
		},
		"a home page that breaks":    func(c *handlers.Config) { c.Templates = brokenTemplates(t, "home.html") },
		"a sign-in form that breaks": func(c *handlers.Config) { c.Templates = brokenTemplates(t, "auth.html") },
		"an error page that breaks":  func(c *handlers.Config) { c.Templates = brokenTemplates(t, "error.html") },
		"a sheet that is not there":  func(c *handlers.Config) { c.Static = fstest.MapFS{} },
		"a static file of a kind that we do not serve": func(c *handlers.Config) {
			c.Static = fstest.MapFS{"site.css": {}, "site.js": {}, "icon.svg": {}, "setup.exe": {}}
		},
		"PUBLIC_URL with a path": func(c *handlers.Config) { c.PublicURL = webtest.Parse(t, "http://jar.example/path") },
	} {
		t.Run(name, func(t *testing.T) {
			c := config
			change(&c)
			if _, err := handlers.New(c); err == nil {
				t.Error("it starts")
			}
		})
	}
}
