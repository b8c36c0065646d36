package signin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack next/leaves-the-site: the Location after a sign-in for each value of next.
var nexts = []struct{ name, next, want string }{
	{"a page of ours", "/account", "/account"},
	{"a page with a query", "/pages/a%20b.html?x=1&y=%2F", "/pages/a%20b.html?x=1&y=%2F"},
	{"a query that holds a URL", "/pages/?to=https://evil.example/", "/pages/?to=https://evil.example/"},
	{"a fragment that holds a URL", "/pages/#//evil.example/..", "/pages/#//evil.example/.."},
	{"home", "/", "/"},
	{"nothing", "", "/"},
	{"another site", "https://evil.example/", "/"},
	{"no scheme", "//evil.example", "/"},
	{"three slashes", "///evil.example", "/"},
	{"a backslash", `/\evil.example`, "/"},
	{"two backslashes", `\\evil.example`, "/"},
	{"an encoded slash", "/%2f/evil.example", "/"},
	{"an encoded backslash", "/%5cevil.example", "/"},
	{"a tab", "/\t/evil.example", "/"},
	{"a newline", "/\n/evil.example", "/"},
	{"CR and LF", "/a\r\nSet-Cookie: a=b", "/"},
	{"a leading space", " /account", "/"},
	{"a scheme without slashes", "https:evil.example", "/"},
	{"a script", "javascript:alert(1)", "/"},
	{"a user", "https://jar.example@evil.example/", "/"},
	{"a look-alike slash", "/\u2215evil.example", "/"},
	{"another look-alike slash", "\uff0f\uff0fevil.example", "/"},
	{"a dot segment", "/.//evil.example", "/"},
	{"two dots", "/pages/../account", "/"},
	{"encoded dots", "/pages/%2e%2e//evil.example", "/"},
	{"9 KB", "/" + strings.Repeat("x", 9<<10), "/"},
	{"the sign-in itself", "/auth", "/"},
	{"the sign-in, with a query", "/auth?next=/auth", "/"},
	{"the sign-out", "/logout", "/"},
	{"the sign-out, with a slash", "/logout/", "/"},
}

func TestNext(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	inside := s.SignedIn(t, "ada")
	for _, row := range nexts {
		t.Run(row.name, func(t *testing.T) {
			args := "?" + webtest.Form("next", row.next)
			inside.Get("/auth"+args).Want(http.StatusSeeOther, row.want)
			inside.Post("/account/prove", "password", webtest.Good, "next", row.next).Want(http.StatusSeeOther, row.want)
			if row.want == "/" {
				inside.Get("/"+args).Want(http.StatusOK).Says("h1", "Hello, ada")
			} else {
				inside.Get("/"+args).Want(http.StatusSeeOther, row.want)
			}

			b, kept := s.Browser(t), strings.TrimSuffix(row.want, "/")
			if row.want != "/" {
				kept = row.want
			}
			for _, path := range []string{"/", "/auth"} {
				if got := b.Get(path+args).Want(http.StatusOK).Find("[name=next]").AttrOr("value", ""); got != kept {
					t.Errorf("GET %s keeps next as %q, want %q", path, got, kept)
				}
			}
			again := b.Post("/auth", "username", "eve", "password", webtest.Other, "next", row.next)
			if got := again.Find("[name=next]").AttrOr("value", ""); got != kept {
				t.Errorf("the form shown again keeps next as %q, want %q", got, kept)
			}
			b.Post("/auth", "username", "ada", "password", webtest.Good, "next", row.next).Want(http.StatusSeeOther, row.want)
			s.Clock.Move(webtest.ThrottleOver)
		})
	}
}

// A page for signed-in people redirects to the form, and the form back to the page with its
// query.
func TestTheWayBack(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Write(t, "a b/c.html", "<h1>See</h1>")
	for path, want := range map[string]string{
		"/account":                       "/?next=%2Faccount",
		"/account?done=password":         "/?next=%2Faccount%3Fdone%3Dpassword",
		"/pages/a%20b/c.html?x=1&y=%2F;": "/?next=%2Fpages%2Fa%2520b%2Fc.html%3Fx%3D1%26y%3D%252F%3B",
		"/logout":                        "/?next=%2Flogout",
	} {
		b := s.Browser(t)
		b.Get(path).Want(http.StatusSeeOther, want)
		next := b.Get(want).Want(http.StatusOK).Find("[name=next]").AttrOr("value", "")
		if path == "/logout" {
			path = ""
		}
		if next != path {
			t.Errorf("next is %q, want %q", next, path)
		}
		if path != "" {
			b.Post("/auth", "username", "ada", "password", webtest.Good, "next", next).Want(http.StatusSeeOther, path)
			b.Get(path).Want(http.StatusOK)
		}
	}
	for _, path := range []string{"/logout", "/account/password", "/account/sessions/end-others"} {
		s.Browser(t).Post(path).Want(http.StatusSeeOther, "/") // not back to the page: a POST cannot be repeated
	}
}

// After a sign-out the same rule for next applies.
func TestNextAfterSigningOut(t *testing.T) {
	s := webtest.New(t, webtest.WithGate)
	s.Add(t, "ada", account.Owner)
	rows := append(slices.Clone(nexts), struct{ name, next, want string }{"an app", "http://wiki.example/a?b=%20&c", "http://wiki.example/a?b=%20&c"})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			args := "?" + webtest.Form("next", row.next)
			inside, kept := s.SignedIn(t, "ada"), row.want
			if row.want == "/" {
				kept = ""
			}
			got := inside.Get("/logout" + args).Want(http.StatusOK)
			if next := got.Find("main [name=next]").AttrOr("value", ""); next != kept {
				t.Errorf("the form keeps next as %q, want %q", next, kept)
			}
			inside.Get("/account").Want(http.StatusOK)
			inside.Clone().Post("/logout", "next", row.next).Want(http.StatusSeeOther, row.want)
			inside.Get("/account").Want(http.StatusSeeOther)
			s.SignedIn(t, "ada").Post("/logout"+args).Want(http.StatusSeeOther, row.want)

			outside := s.Browser(t)
			outside.Post("/logout", "next", row.next).Want(http.StatusSeeOther, row.want)
			if kept != "" {
				outside.Get("/logout"+args).Want(http.StatusSeeOther, row.want)
			}
			s.Clock.Move(time.Hour) // an account may sign in 120 times an hour
		})
	}
}

// The form's Content-Security-Policy allows a redirect to an app: Chromium applies
// form-action to redirects.
func TestSigningOutMayLeadToAnApp(t *testing.T) {
	s := webtest.New(t, webtest.WithGate)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	for next, want := range map[string]bool{"/account": true, "http://wiki.example/": false, "http://evil.example/": true} {
		csp := b.Get("/logout?" + webtest.Form("next", next)).Want(http.StatusOK).Header.Get("Content-Security-Policy")
		if got := strings.Contains(csp, "form-action 'self'"); got != want {
			t.Errorf("%s: form-action stays %t, want %t", next, got, want)
		}
	}
}

// Only pages with a form that leads to an app send no form-action: those of the second step
// and of the proof, and not the one that says how to reach level 2, which has links alone.
func TestFormActionOfTheWayToAnApp(t *testing.T) {
	s := webtest.New(t, webtest.WithGate)
	s.Add(t, "ada", account.Member)
	next := webtest.Form("next", "http://wiki.example/")
	first := s.SignedIn(t, "ada")
	stays := func(page *webtest.Answer, want bool) {
		t.Helper()
		csp := page.Want(http.StatusOK).Header.Get("Content-Security-Policy")
		if got := strings.Contains(csp, "form-action 'self'"); got != want {
			t.Errorf("%s: form-action stays %t, want %t", page.Request.URL, got, want)
		}
	}
	stays(first.Get("/auth/step-up?"+next), true)
	stays(first.Get("/account/prove?"+next), false)
	stays(first.Get("/account/prove?next=%2Faccount"), true)
	first.AddApp(s)
	for next, want := range map[string]bool{"http://wiki.example/": false, "/account": true} {
		b := s.Browser(t)
		b.Post("/auth", "username", "ada", "password", webtest.Good, "next", next).Want(http.StatusSeeOther, "/auth/code")
		stays(b.Get("/auth/code"), want)
	}
}

// The form says if a URL was too long to be remembered.
func TestAnAddressThatIsTooLong(t *testing.T) {
	b := webtest.New(t, webtest.WithGate).Browser(t)
	b.Get("/?"+webtest.Form("next", "http://wiki.example/")+"&cut=1").Want(http.StatusOK).Says("#cut b", "wiki.example")
	for _, args := range []string{webtest.Form("next", "http://wiki.example/"), "cut=1"} {
		if b.Get("/?"+args).Want(http.StatusOK).Find("#cut").Length() != 0 {
			t.Errorf("%s: it is said that an address was too long", args)
		}
	}
}
