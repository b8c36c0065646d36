package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
)

// One comes back to the very URL, wherever the app is; the form says where to.
func TestComesBack(t *testing.T) {
	for _, tt := range []struct {
		name, public, domain, app, host, via, cookie string
		want                                         http.Cookie // the gate cookie's attributes
	}{
		{"another domain", jar, "", elsewhere, "wiki.example:8443", "/gate/callback?ticket=", hostCookie, http.Cookie{Secure: true}},
		{"the same domain, not shared", jar, "", sister, "app.site.example", "/gate/callback?ticket=", hostCookie, http.Cookie{Secure: true}},
		{"the shared domain", jar, "site.example", sister, "app.site.example", "", domainCookie, http.Cookie{Secure: true, Domain: "site.example"}},
		{"another domain beside a shared one", jar, "site.example", elsewhere, "wiki.example:8443", "/gate/callback?ticket=", hostCookie, http.Cookie{Secure: true}},
		{"over http", "http://jar.site.example", "", "http://app.site.example:8081", "app.site.example:8081", "/gate/callback?ticket=", "glassjar-gate", http.Cookie{}},
		{"another port of the jar's host", "http://jar.site.example:8080", "", "http://jar.site.example:8081", "jar.site.example:8081", "", "", http.Cookie{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.public, tt.domain)
			w.add(t, "ada", account.Member)
			b, page := w.browser(t), tt.app+"/a/%2e%2f;x?b=c&d=%C3%A4+e&&u=https://x/?y"
			form := b.visit(page, 1).want(http.StatusOK).says("h1", "Sign in").says(".head b", tt.host)
			if csp := form.Header.Get("Content-Security-Policy"); strings.Contains(csp, "form-action") || !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("the form's policy is %q", csp)
			}
			next := form.find("input[name=next]").AttrOr("value", "")
			b.post("/auth", "username", "ada", "password", other, "next", next).want(http.StatusUnprocessableEntity).says(".head b", tt.host)
			sent := b.post("/auth", "username", "ada", "password", good, "next", next).want(http.StatusSeeOther)
			to := sent.Header.Get("Location")
			if !strings.HasPrefix(to, tt.app+tt.via) || tt.via == "" && to != page {
				t.Fatalf("after signing in one goes to %q", to)
			}
			if tt.via != "" {
				sent = b.visit(to, 2).want(http.StatusSeeOther, page).header("Referrer-Policy", "no-referrer").header("Strict-Transport-Security", "")
			}
			if c := sent.cookie(tt.cookie); tt.cookie != "" && (c == nil || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode ||
				c.Secure != tt.want.Secure || c.Domain != tt.want.Domain || c.MaxAge != 0 || !c.Expires.IsZero()) {
				t.Errorf("the gate cookie is %v", c)
			}
			if got := b.visit(page, 0).want(http.StatusOK); got.body != "GET "+page+" as ada" {
				t.Errorf("the app sees %q", got.body)
			}
			out := b.post("/logout").want(http.StatusSeeOther)
			if c := out.cookie(domainCookie); (c != nil) != (tt.domain != "") || c != nil && (c.MaxAge >= 0 || c.Domain != tt.domain || c.Value != "") {
				t.Errorf("signing out sets the domain's gate cookie %v", c)
			}
			b.visit(page, 0).want(http.StatusFound)
		})
	}
}

// Who is signed in already goes on without a form, from / and from /auth; a
// session that is kept has gate cookies that are.
func TestGoesOn(t *testing.T) {
	for name, domain := range map[string]string{"tickets": "", "a shared domain": "site.example"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, jar, domain)
			w.add(t, "ada", account.Member)
			b := w.browser(t)
			b.post("/auth", "username", "ada", "password", good, "remember", "1").want(http.StatusSeeOther, "/")
			if b.holds(sister, domainCookie) != "" {
				t.Error("after signing in, a cookie for the domain is set: nobody went to an app")
			}
			for _, from := range []string{jar + "/?next=", jar + "/auth?next="} {
				for _, app := range []string{sister, elsewhere} {
					first := b.visit(from+url.QueryEscape(app+"/x"), 0).want(http.StatusSeeOther)
					all := first.Cookies()
					if strings.Contains(first.Header.Get("Location"), "/gate/callback") {
						all = append(all, b.visit(first.Header.Get("Location"), 2).want(http.StatusSeeOther).Cookies()...)
					}
					if len(all) != 1 || all[0].MaxAge < 2_591_000 || all[0].MaxAge > 2_592_000 {
						t.Errorf("from %s to %s: the cookies set are %v", from, app, all)
					}
					b.visit(app+"/x", 0).want(http.StatusOK)
				}
			}
			b.visit(jar+"/?next=%2Faccount", 0).want(http.StatusSeeOther, "/account")
			b.visit(jar+"/auth?next=%2Faccount", 0).want(http.StatusSeeOther, "/account")
		})
	}
}

// Attack next/leaves-the-site: nothing but a path here and a URL on a gate host.
func TestNextIsAGateHostOrHere(t *testing.T) {
	w := newWorld(t, jar, "site.example")
	w.add(t, "ada", account.Member)
	b := w.signedIn(t, "ada")
	for _, next := range []string{
		"https://evil.example/", "https://evilsite.example/", "https://site.example/", "//app.site.example/", "https:app.site.example", "https:/app.site.example/",
		"https:///app.site.example/", "https://app.site.example@evil.example/", "https://app.site.example:x@evil.example/", "https://evil.example\\.site.example/",
		"https://evil.example/.site.example/", "https://evil.example?.site.example/", "https://evil.example#.site.example/", "https://app.site.example\t/",
		" https://app.site.example/", "HTTPS://app.site.example/", "javascript://app.site.example/%0aalert(1)", "data://app.site.example/", "http://app.site.example/",
		"https://app.site.example/#x", "https://app.site.example/\r\nSet-Cookie: x=y", "https://app.site.example/" + strings.Repeat("a", 3000),
		"https://%61pp.site.example/", "https://app%2esite.example/", "https://\u24D0pp.site.example/", "https://app\u3002site.example/", "https://app.site.example:0/",
	} {
		b.visit(jar+"/auth?next="+url.QueryEscape(next), 0).want(http.StatusSeeOther, "/")
		b.visit(jar+"/?next="+url.QueryEscape(next), 0).want(http.StatusOK)
		out := w.browser(t)
		form := out.visit(jar+"/auth?next="+url.QueryEscape(next), 0).want(http.StatusOK)
		if csp := form.Header.Get("Content-Security-Policy"); form.find("input[name=next]").Length() > 0 || !strings.Contains(csp, "form-action 'self'") {
			t.Errorf("%q: the form goes on to it", next)
		}
		out.post("/auth", "username", "ada", "password", good, "next", next).want(http.StatusSeeOther, "/")
	}
	b.visit(jar+"/auth?next=https://app.site.example", 0).want(http.StatusSeeOther, "https://app.site.example/")
	b.visit(jar+"/auth?next=https://APP.site.example.:443/X", 0).want(http.StatusSeeOther, "https://app.site.example/X")
}

// A browser that bounces back is told why instead of going round in circles.
func TestBouncingEnds(t *testing.T) {
	for name, domain := range map[string]string{"tickets": "", "a shared domain": "site.example"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, jar, domain)
			w.add(t, "ada", account.Member)
			b := w.signedIn(t, "ada")
			w.loses = true
			told := b.visit(sister+"/a", 20).want(http.StatusConflict).says("h1", "Your browser did not keep the cookie")
			if told.Request.URL.Host != "jar.site.example" {
				t.Errorf("it is told at %s", told.Request.URL)
			}
			b.visit(sister+"/b", 20).want(http.StatusConflict) // each page anew
			w.loses = false
			w.clock.move(11 * time.Second)
			if err := w.sessions.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.visit(sister+"/a", 5).want(http.StatusOK)
		})
	}
}

// A browser that keeps no cookie at all sees the form again, and why.
func TestNoCookieAtAll(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	b := w.browser(t)
	b.Jar = nil
	b.visit(sister+"/a", 1).want(http.StatusOK).says("[role=alert] p", "")
	to := b.post("/auth", "username", "ada", "password", good, "next", sister+"/a").want(http.StatusSeeOther).Header.Get("Location")
	b.visit(to, 3).want(http.StatusOK).says("h1", "Sign in").
		says("[role=alert] p", "If you signed in just now, your browser did not keep the cookie: allow cookies for this site, then sign in again. "+
			"If the page's address begins with http://, open the same with https:// first.")
	w.browser(t).visit(sister+"/b", 1).want(http.StatusOK).says("[role=alert] p", "")
	some := w.signedIn(t, "ada") // one that keeps ours, and no app's
	to = some.visit(jar+"/auth?next="+url.QueryEscape(sister+"/c"), 2).want(http.StatusSeeOther).Header.Get("Location")
	b.visit(to, 0).want(http.StatusConflict).says("h1", "Your browser did not keep the cookie").wantGatePage()
	w.clock.move(11 * time.Second)
	b.visit(sister+"/a", 1).want(http.StatusOK).says("[role=alert] p", "")
}
