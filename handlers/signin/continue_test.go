package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// After the sign-in a browser is redirected to the exact URL, wherever the app is; the form
// names the host.
func TestComesBack(t *testing.T) {
	for _, tt := range []struct {
		name, public, domain, app, host, via, cookie string
		want                                         http.Cookie // the gate cookie's attributes
	}{
		{"another domain", webtest.Jar, "", webtest.Elsewhere, "wiki.example:8443", "/gate/callback?ticket=", webtest.HostCookie, http.Cookie{Secure: true}},
		{"the same domain, not shared", webtest.Jar, "", webtest.Sister, "app.site.example", "/gate/callback?ticket=", webtest.HostCookie, http.Cookie{Secure: true}},
		{"the shared domain", webtest.Jar, "site.example", webtest.Sister, "app.site.example", "", webtest.DomainCookie, http.Cookie{Secure: true, Domain: "site.example"}},
		{"another domain beside a shared one", webtest.Jar, "site.example", webtest.Elsewhere, "wiki.example:8443", "/gate/callback?ticket=", webtest.HostCookie, http.Cookie{Secure: true}},
		{"over http", "http://jar.site.example", "", "http://app.site.example:8081", "app.site.example:8081", "/gate/callback?ticket=", "glassjar-gate", http.Cookie{}},
		{"another port of the jar's host", "http://jar.site.example:8080", "", "http://jar.site.example:8081", "jar.site.example:8081", "", "", http.Cookie{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := webtest.NewWorld(t, tt.public, tt.domain)
			w.Add(t, "ada", account.Member)
			b, page := w.Browser(t), tt.app+"/a/%2e%2f;x?b=c&d=%C3%A4+e&&u=https://x/?y"
			form := b.Visit(page, 1).Want(http.StatusOK).Says("h1", "Sign in").Says(".head b", tt.host)
			if csp := form.Header.Get("Content-Security-Policy"); strings.Contains(csp, "form-action") || !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("the form's policy is %q", csp)
			}
			next := form.Find("input[name=next]").AttrOr("value", "")
			b.Post("/auth", "username", "ada", "password", webtest.Other, "next", next).Want(http.StatusUnprocessableEntity).Says(".head b", tt.host)
			sent := b.Post("/auth", "username", "ada", "password", webtest.Good, "next", next).Want(http.StatusSeeOther)
			to := sent.Header.Get("Location")
			if !strings.HasPrefix(to, tt.app+tt.via) || tt.via == "" && to != page {
				t.Fatalf("after signing in one goes to %q", to)
			}
			if tt.via != "" {
				sent = b.Visit(to, 2).Want(http.StatusSeeOther, page).WantHeader("Referrer-Policy", "no-referrer").WantHeader("Strict-Transport-Security", "")
			}
			if c := sent.Cookie(tt.cookie); tt.cookie != "" && (c == nil || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode ||
				c.Secure != tt.want.Secure || c.Domain != tt.want.Domain || c.MaxAge != 0 || !c.Expires.IsZero()) {
				t.Errorf("the gate cookie is %v", c)
			}
			if got := b.Visit(page, 0).Want(http.StatusOK); got.Body != "GET "+page+" as ada" {
				t.Errorf("the app sees %q", got.Body)
			}
			out := b.Post("/logout").Want(http.StatusSeeOther)
			if c := out.Cookie(webtest.DomainCookie); (c != nil) != (tt.domain != "") || c != nil && (c.MaxAge >= 0 || c.Domain != tt.domain || c.Value != "") {
				t.Errorf("signing out sets the domain's gate cookie %v", c)
			}
			b.Visit(page, 0).Want(http.StatusFound)
		})
	}
}

// Somebody who is signed in is redirected without a form, from / and from /auth. A session
// that is remembered gets gate cookies that are.
func TestGoesOn(t *testing.T) {
	for name, domain := range map[string]string{"tickets": "", "a shared domain": "site.example"} {
		t.Run(name, func(t *testing.T) {
			w := webtest.NewWorld(t, webtest.Jar, domain)
			w.Add(t, "ada", account.Member)
			b := w.Browser(t)
			b.Post("/auth", "username", "ada", "password", webtest.Good, "remember", "1").Want(http.StatusSeeOther, "/")
			if b.Holds(webtest.Sister, webtest.DomainCookie) != "" {
				t.Error("after signing in, a cookie for the domain is set: nobody went to an app")
			}
			for _, from := range []string{webtest.Jar + "/?next=", webtest.Jar + "/auth?next="} {
				for _, app := range []string{webtest.Sister, webtest.Elsewhere} {
					first := b.Visit(from+url.QueryEscape(app+"/x"), 0).Want(http.StatusSeeOther)
					all := first.Cookies()
					if strings.Contains(first.Header.Get("Location"), "/gate/callback") {
						all = append(all, b.Visit(first.Header.Get("Location"), 2).Want(http.StatusSeeOther).Cookies()...)
					}
					if len(all) != 1 || all[0].MaxAge < 2_591_000 || all[0].MaxAge > 2_592_000 {
						t.Errorf("from %s to %s: the cookies set are %v", from, app, all)
					}
					b.Visit(app+"/x", 0).Want(http.StatusOK)
				}
			}
			b.Visit(webtest.Jar+"/?next=%2Faccount", 0).Want(http.StatusSeeOther, "/account")
			b.Visit(webtest.Jar+"/auth?next=%2Faccount", 0).Want(http.StatusSeeOther, "/account")
		})
	}
}

// Attack next/leaves-the-site: next is a path on this site or a URL on a gate host.
func TestNextIsAGateHostOrHere(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "site.example")
	w.Add(t, "ada", account.Member)
	b := w.SignedIn(t, "ada")
	for _, next := range []string{
		"https://evil.example/", "https://evilsite.example/", "https://site.example/", "//app.site.example/", "https:app.site.example", "https:/app.site.example/",
		"https:///app.site.example/", "https://app.site.example@evil.example/", "https://app.site.example:x@evil.example/", "https://evil.example\\.site.example/",
		"https://evil.example/.site.example/", "https://evil.example?.site.example/", "https://evil.example#.site.example/", "https://app.site.example\t/",
		" https://app.site.example/", "HTTPS://app.site.example/", "javascript://app.site.example/%0aalert(1)", "data://app.site.example/", "http://app.site.example/",
		"https://app.site.example/#x", "https://app.site.example/\r\nSet-Cookie: x=y", "https://app.site.example/" + strings.Repeat("a", 3000),
		"https://%61pp.site.example/", "https://app%2esite.example/", "https://\u24D0pp.site.example/", "https://app\u3002site.example/", "https://app.site.example:0/",
	} {
		b.Visit(webtest.Jar+"/auth?next="+url.QueryEscape(next), 0).Want(http.StatusSeeOther, "/")
		b.Visit(webtest.Jar+"/?next="+url.QueryEscape(next), 0).Want(http.StatusOK)
		out := w.Browser(t)
		form := out.Visit(webtest.Jar+"/auth?next="+url.QueryEscape(next), 0).Want(http.StatusOK)
		if csp := form.Header.Get("Content-Security-Policy"); form.Find("input[name=next]").Length() > 0 || !strings.Contains(csp, "form-action 'self'") {
			t.Errorf("%q: the form goes on to it", next)
		}
		out.Post("/auth", "username", "ada", "password", webtest.Good, "next", next).Want(http.StatusSeeOther, "/")
	}
	b.Visit(webtest.Jar+"/auth?next=https://app.site.example", 0).Want(http.StatusSeeOther, "https://app.site.example/")
	b.Visit(webtest.Jar+"/auth?next=https://APP.site.example.:443/X", 0).Want(http.StatusSeeOther, "https://app.site.example/X")
}

// A browser that returns without the gate cookie gets an explanation, not a redirect loop.
func TestBouncingEnds(t *testing.T) {
	for name, domain := range map[string]string{"tickets": "", "a shared domain": "site.example"} {
		t.Run(name, func(t *testing.T) {
			w := webtest.NewWorld(t, webtest.Jar, domain)
			w.Add(t, "ada", account.Member)
			b := w.SignedIn(t, "ada")
			w.Loses = true
			told := b.Visit(webtest.Sister+"/a", 20).Want(http.StatusConflict).Says("h1", "Your browser did not keep the cookie")
			if told.Request.URL.Host != "jar.site.example" {
				t.Errorf("it is told at %s", told.Request.URL)
			}
			b.Visit(webtest.Sister+"/b", 20).Want(http.StatusConflict) // counted for each page
			w.Loses = false
			w.Clock.Move(11 * time.Second)
			if err := w.Sessions.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.Visit(webtest.Sister+"/a", 5).Want(http.StatusOK)
		})
	}
}

// A browser that stores no cookies sees the form again, and why.
func TestNoCookieAtAll(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	b := w.Browser(t)
	b.Jar = nil
	b.Visit(webtest.Sister+"/a", 1).Want(http.StatusOK).Says("[role=alert] p", "")
	to := b.Post("/auth", "username", "ada", "password", webtest.Good, "next", webtest.Sister+"/a").Want(http.StatusSeeOther).Header.Get("Location")
	b.Visit(to, 3).Want(http.StatusOK).Says("h1", "Sign in").
		Says("[role=alert] p", "If you signed in just now, your browser did not keep the cookie: allow cookies for this site, then sign in again. "+
			"If the page's address begins with http://, open the same with https:// first.")
	w.Browser(t).Visit(webtest.Sister+"/b", 1).Want(http.StatusOK).Says("[role=alert] p", "")
	some := w.SignedIn(t, "ada") // a browser that stores this site's cookies, but not the app's
	to = some.Visit(webtest.Jar+"/auth?next="+url.QueryEscape(webtest.Sister+"/c"), 2).Want(http.StatusSeeOther).Header.Get("Location")
	b.Visit(to, 0).Want(http.StatusConflict).Says("h1", "Your browser did not keep the cookie").WantGatePage()
	w.Clock.Move(11 * time.Second)
	b.Visit(webtest.Sister+"/a", 1).Want(http.StatusOK).Says("[role=alert] p", "")
}
