package lab_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/anatomy"
)

func TestLabTakesYourOwnCookieApart(t *testing.T) {
	for name, change := range map[string]func(*handlers.Config){"glassjar": webtest.WithLab, "__Host-glassjar": func(c *handlers.Config) { webtest.Secure(c); webtest.WithLab(c) }} {
		t.Run(name, func(t *testing.T) {
			s := webtest.New(t, change)
			s.Add(t, "ada", account.Member)
			s.Browser(t).Get("/lab/cookie").Says("#own .parts", "").Says("#own a", "Sign in")
			b := s.SignedIn(t, "ada")
			c, err := anatomy.Parse(name, labCookieOf(b, name))
			if err != nil {
				t.Fatal(err)
			}
			d, err := c.Dictionary()
			if err != nil {
				t.Fatal(err)
			}
			got := b.Get("/lab/cookie").Want(http.StatusOK)
			got.WantPage()
			got.Says("#own .raw", name+"="+c.Value[:c.Signature.From+10]+"•••")
			got.Says("#own .part.p dd", d.Get("username")+d.Get("sid")+d.Get("started"))
			if text := html.UnescapeString(got.Body); strings.Contains(text, c.Value[c.Signature.From+10:c.Signature.From+20]) {
				t.Error("more of the signature is on the page")
			}
			if got.Find("#own form, #own input, #own textarea").Length() > 0 {
				t.Error("the session cookie can be changed here")
			}
			got.Says(".tries div:last-child .try code", d.Get("sid")[:6])
			old := d.Get("sid")
			b.SignIn("ada", webtest.Good)
			again := b.Get("/lab/cookie")
			now := again.Text(".tries div:last-child .try code:first-of-type")
			if now == old[:6] {
				t.Error("a sign-in keeps the sid")
			}
			again.Says(".tries div:last-child .try code", now+old[:6])
			b.Get("/lab/cookie").Says(".tries div:last-child .try code", now+old[:6])
		})
	}
}

// With several session cookies, the lab cannot know which one the site used.
func TestLabTakesNoneOfSeveralApart(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Member)
	b := s.SignedIn(t, "ada")
	const said = "You are signed in, and your browser sent 2 cookies named glassjar. The server takes the one that it signed; the lab has no key to find out which, and takes none apart. Delete the others in your browser's tools, and come back."
	for _, sent := range []string{"glassjar=x; " + b.Cookies(), b.Cookies() + "; glassjar=x"} {
		got := s.Browser(t).Get("/lab/cookie", "Cookie", sent).Want(http.StatusOK)
		got.WantPage()
		got.Says("#own .parts", "").Says("#own .step", said).Says("#own a", "")
	}
	for _, sent := range []string{"glassjar=x", "glassjar=x; glassjar=y"} {
		s.Browser(t).Get("/lab/cookie", "Cookie", sent).Want(http.StatusOK).Says("#own .parts", "").Says("#own a", "Sign in")
	}
}

// The other site's page exists only on another host, and its form is refused.
func TestLabElsewhere(t *testing.T) {
	s := webtest.New(t, webtest.WithLab, func(c *handlers.Config) { c.PublicURL, c.AnyLoopback = webtest.Parse(t, "http://localhost:8080"), true })
	b := s.Browser(t)
	b.Get("/lab/session")
	held := labCookieOf(b, "lab")
	link := b.Get("/lab/cookie").Find(`.tries a[href$="/lab/elsewhere"]`).AttrOr("href", "")
	if link != "http://127.0.0.1:8080/lab/elsewhere" {
		t.Fatalf("the other site's page is %q", link)
	}
	home := b.Get("/lab/elsewhere").Want(http.StatusOK)
	home.WantHeaders(webtest.HeadersOf{})
	if home.Find("main form").Length() > 0 || home.Find("main a[href='"+link+"']").Length() != 1 {
		t.Error("the site itself has the other site's form, or does not lead to it")
	}
	abroad := s.Browser(t).At("http://127.0.0.1:8080").Get("/lab/elsewhere").Want(http.StatusOK)
	if csp := abroad.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "; form-action http://localhost:8080; ") || strings.Contains(csp, "form-action 'self'") {
		t.Errorf("its policy is %s", csp)
	}
	form := abroad.Find("main form")
	if form.AttrOr("action", "") != "http://localhost:8080/lab/session" {
		t.Errorf("its form goes to %s", form.AttrOr("action", ""))
	}
	b.Post("/lab/session", "do", "clear").Want(http.StatusOK)
	got := b.Send("/lab/session", "do=clear", "Origin", "http://127.0.0.1:8080", "Sec-Fetch-Site", "cross-site").Want(http.StatusForbidden)
	if got.Cookie("lab") != nil || held == "" {
		t.Error("another site's form was taken")
	}
	set := webtest.New(t, webtest.WithLab)
	set.Browser(t).Get("/lab/cookie").Says(`.tries pre`, `<form method="post" action="http://jar.example/lab/session"><button name="do" value="clear">Win a prize</button></form>`)
	if set.Browser(t).Get("/lab/elsewhere").Want(http.StatusOK).Find("main form").Length() > 0 {
		t.Error("a site with one name plays another")
	}
}
