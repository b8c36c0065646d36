package self_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Somebody who adds the second factor that an app demands continues to the app without
// another sign-in. The session then has level 2 and a new sid.
func TestAddingAFactorLeadsOn(t *testing.T) {
	target := webtest.Elsewhere + "/a?b=c&level=2"
	next := "?next=" + url.QueryEscape(target)
	for _, row := range []struct {
		page string
		amr  string
		add  func(t *testing.T, w *webtest.World, b *webtest.Browser, next string) *webtest.Answer
	}{
		{"/account/code", "otp pwd", addsApp},
		{"/account/passkeys", "hwk mfa pwd user", addsPasskey},
	} {
		t.Run(row.page, func(t *testing.T) {
			w := webtest.NewWorld(t, webtest.Jar, "")
			b, _ := w.In(t)
			w.Args = "?level=2"
			before := b.Cookies()
			step := b.Get("/auth/step-up" + next).Want(http.StatusOK)
			links := step.Find("main .acts a").Map(func(_ int, a *goquery.Selection) string { return a.AttrOr("href", "") })
			if !slices.Contains(links, row.page+next) {
				t.Fatalf("it leads to %q", links)
			}
			made := row.add(t, w, b, next).Want(http.StatusOK).Says("h1", "Your recovery codes")
			made.WantHeader("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'")
			on := made.Find(".after a")
			if on.Text() != "Go on to wiki.example:8443" {
				t.Errorf("the link says %q", on.Text())
			}
			if got := w.Texts(t, `SELECT level || ' ' || amr FROM sessions WHERE ended_at = 0`); !slices.Equal(got, []string{"2 " + row.amr}) {
				t.Errorf("the session is %q", got)
			}
			if b.Cookies() == before {
				t.Error("the session cookie is the old one")
			}
			saved := b.Post("/account/recovery/saved", "next", made.Find(".after [name=next]").AttrOr("value", ""))
			saved.Want(http.StatusSeeOther, on.AttrOr("href", ""))
			if got := b.Visit(webtest.Jar+saved.Header.Get("Location"), 5).Want(http.StatusOK); got.Body != "GET "+target+" as ada" {
				t.Errorf("it leads on to %q", got.Body)
			}
		})
	}
}

// addsApp adds an authenticator app on the page with the arg next, after a wrong code.
func addsApp(t *testing.T, w *webtest.World, b *webtest.Browser, next string) *webtest.Answer {
	t.Helper()
	page := b.Get("/account/code" + next).Want(http.StatusOK)
	again := b.Post("/account/code", "code", "000000", "next", page.Find("[name=next]").AttrOr("value", "")).Want(http.StatusUnprocessableEntity)
	return b.Post("/account/code", "code", b.SetUpApp(w.Site).Code(t), "next", again.Find("[name=next]").AttrOr("value", ""))
}

// addsPasskey adds a passkey on the page with the arg next.
func addsPasskey(t *testing.T, w *webtest.World, b *webtest.Browser, next string) *webtest.Answer {
	t.Helper()
	page := b.Get("/account/passkeys" + next).Want(http.StatusOK)
	return b.Post("/account/passkeys", "name", "Laptop", "answer", w.Device().Create(t, page.Options("/account/passkeys")), "next", page.Find("[name=next]").AttrOr("value", ""))
}

// Attack next/leaves-the-site: an unsafe next is ignored.
func TestAddingAFactorLeadsNowhereElse(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Member)
	b := s.SignedIn(t, "ada")
	for _, next := range []string{"//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/logout", ""} {
		arg := "?next=" + url.QueryEscape(next)
		for _, page := range []string{"/account/code", "/account/passkeys", "/account/recovery"} {
			got := b.Get(page + arg).Want(http.StatusOK)
			if got.Find("[name=next]").Length() != 0 || !strings.Contains(got.Header.Get("Content-Security-Policy"), "form-action 'self'") {
				t.Errorf("%s%s leads on", page, arg)
			}
		}
		b.Post("/account/recovery/saved", "next", next).Want(http.StatusSeeOther, "/account?done=recovery")
	}
	made := b.AddPasskey(s.Device(), "Laptop")
	if made.Find(".after a").Length() != 0 {
		t.Error("the codes lead on to nowhere")
	}
	b.Post("/account/recovery/saved", "next", "/lab").Want(http.StatusSeeOther, "/auth?next=%2Flab")
}
