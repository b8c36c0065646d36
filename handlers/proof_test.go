package handlers_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/passkey/passkeytest"
	"glassjar/utl/session"
)

// proving are the deeds that need a proof, and the page with their form.
var proving = map[string]string{
	"POST /account/profile":                   "/account/profile",
	"POST /account/data":                      "/account/data",
	"POST /account/delete":                    "/account/delete",
	"POST /account/app-passwords":             "/account/app-passwords",
	"POST /account/app-passwords/{id}/revoke": "/account/app-passwords",
	"POST /account/code":                      "/account/code",
	"POST /account/code/remove":               "/account/code",
	"POST /account/recovery":                  "/account/recovery",
	"POST /people/{username}/clear-factors":   "/people/una",
	"POST /account/passkeys":                  "/account/passkeys",
	"POST /account/passkeys/{id}/rename":      "/account/passkeys",
	"POST /account/passkeys/{id}/remove":      "/account/passkeys",
	"POST /apps/new":                          "/apps/new",
	"POST /apps/{id}":                         "/apps/{id}",
	"POST /apps/{id}/remove":                  "/apps/{id}",
	"POST /apps/{id}/test":                    "/apps/{id}/test",
	"POST /people/{username}/role":            "/people/una",
	"POST /people/{username}/reset":           "/people/una",
	"POST /people/{username}/delete":          "/people/una/delete",
}

// Attack session/proof: with a stolen cookie or an open browser nobody can do what needs
// a proof, and is redirected to give one; what needs none works.
func TestWhatNeedsAProof(t *testing.T) {
	if testing.Short() {
		t.Skip("each deed, before and after a proof, without -short")
	}
	s, b := withBob(t)
	all, _ := deeds(t, s, b)
	for _, pattern := range slices.Sorted(maps.Keys(all)) {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			s, b := withBob(t)
			all, app := deeds(t, s, b)
			d := all[pattern]
			s.Clock.Move(session.ProofLife + time.Second)
			before := s.State(t)
			got := b.Post(d.path, d.fields...)
			page := strings.Replace(proving[pattern], "{id}", s.Texts(t, `SELECT id FROM apps`)[0], 1)
			if page == "" {
				if strings.HasPrefix(got.Header.Get("Location"), "/account/prove") {
					t.Errorf("it needs a proof: add it to proving (handlers/proof_test.go), or mount it without")
				}
				return
			}
			got.Want(http.StatusSeeOther, "/account/prove?"+webtest.Form("next", page))
			if s.State(t) != before || len(got.Cookies()) > 0 {
				t.Error("something changed without a proof")
			}
			b.Post("/account/prove", "password", webtest.Good, "code", app.Code(t), "next", page).Want(http.StatusSeeOther, page)
			b.Get(page).Want(http.StatusOK)
			if d.path == "/account/code" {
				d.fields = []string{"code", b.SetUpApp(s).Code(t)}
			}
			if d.path == "/account/passkeys" { // the challenge of the device's answer has expired
				d.fields = []string{"name", "Phone", "answer", s.Device().Create(t, b.Get(d.path).Options(d.path))}
			}
			if got := b.Post(d.path, d.fields...); strings.HasPrefix(got.Header.Get("Location"), "/account/prove") || s.State(t) == before {
				t.Errorf("after a proof it answers %s", got.Status)
			}
		})
	}
}

// withBob returns a site with bob, an owner, and his browser.
func withBob(t *testing.T) (*webtest.Site, *webtest.Browser) {
	t.Helper()
	s := webtest.New(t, webtest.WithLab, webtest.WithGate, webtest.WithPasskeys, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner) // so that bob may delete his account
	s.Add(t, "bob", account.Owner)
	return s, s.SignedIn(t, "bob")
}

// Pages whose only purpose needs a proof redirect to it; on other pages, the part that
// needs one links to it.
func TestPagesThatNeedAProof(t *testing.T) {
	s := webtest.New(t, webtest.WithGate)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	b, member := s.SignedIn(t, "ada"), s.SignedIn(t, "bob")
	b.Get("/account/profile").Want(http.StatusOK)
	s.Clock.Move(session.ProofLife)
	for _, path := range []string{"/account/delete", "/people/bob/delete", "/people/bob/delete?x=1&y=%2F"} {
		b.Get(path).Want(http.StatusSeeOther, "/account/prove?"+webtest.Form("next", path))
	}
	member.Get("/people/bob/delete").Want(http.StatusForbidden)
	for path, field := range map[string]string{"/account/profile": "#email", "/account/app-passwords": "#name"} {
		got := b.Get(path).Want(http.StatusOK)
		if got.Find(field).Length() > 0 || got.Find("a[href='/account/prove?"+webtest.Form("next", path)+"']").Length() != 1 {
			t.Errorf("%s has the field %s, or no way to a proof", path, field)
		}
	}
	before := s.State(t)
	b.Post("/account/profile", "name", "Ada", "email", "ada@site.example").Want(http.StatusSeeOther, "/account/prove?next=%2Faccount%2Fprofile")
	if s.State(t) != before {
		t.Error("the profile changed")
	}
	b.Post("/account/profile", "name", "Ada").Want(http.StatusSeeOther, "/account?done=profile")
	b.Post("/account/prove", "password", webtest.Good).Want(http.StatusSeeOther, "/")
	b.Post("/account/profile", "name", "Ada", "email", "ada@site.example").Want(http.StatusSeeOther, "/account?done=profile")
	s.Clock.Move(session.ProofLife)
	b.Post("/account/profile", "name", "Ada L.", "email", " ADA@site.example").Want(http.StatusSeeOther, "/account?done=profile")
	if got := s.Texts(t, `SELECT name || ' ' || email FROM accounts WHERE username = 'ada'`); got[0] != "Ada L. ada@site.example" {
		t.Errorf("the profile is %q", got)
	}
}

// Attack session/proof: a proof sets a new cookie. The old one is refused at once, the
// list of devices has the same one device, and apps still work.
func TestAProof(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, app := w.In(t)
	thief := b.Clone()
	w.Clock.Move(session.ProofLife)
	form := b.Get("/account/prove?next=/account/delete").Want(http.StatusOK).Says("b", "delete your account")
	form.WantPage()
	got := b.Post("/account/prove", "password", webtest.Good, "next", form.Find("[name=next]").AttrOr("value", "")).
		Want(http.StatusSeeOther, "/account/delete")
	webtest.WantCookie(t, got.Cookie("__Host-glassjar"), 0, true)
	thief.Get("/account").Want(http.StatusSeeOther, "/?next=%2Faccount")
	if n := b.Get("/account").Want(http.StatusOK).Find("section[aria-labelledby=devices] li").Length(); n != 1 {
		t.Errorf("%d devices, want 1", n)
	}
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", app)).Want(http.StatusOK)
	b.Get("/account/delete").Want(http.StatusOK)
	b.Get("/account/events").Want(http.StatusOK).Says("tbody tr:first-child th", "Who it is was confirmed again")
	b.Post("/logout").Want(http.StatusSeeOther)
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", app)).Want(http.StatusUnauthorized)
	if lines := w.Log.Lines("event=session.proved"); len(lines) != 1 || !strings.Contains(lines[0], "account=ada") {
		t.Errorf("the log says %q", lines)
	}
}

// Attack factors/by-the-way: the password alone is no proof for an account with a second
// factor, whichever it is.
func TestThePasswordAloneIsNoProof(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	var recovery string
	add := map[string]func(b *webtest.Browser){
		"app": func(b *webtest.Browser) { b.AddApp(s) },
		"passkey": func(b *webtest.Browser) {
			made := b.AddPasskey(s.Device(), "Phone").Text("#recovery")
			_, recovery, _ = strings.Cut(strings.SplitN(made, "\n", 2)[0], "  ")
		},
		"key": func(b *webtest.Browser) {
			d := s.Device()
			d.Flags = passkeytest.Present
			b.TryKey(d, "Key").Want(http.StatusOK)
		},
	}
	for name, add := range add {
		s.Add(t, name, account.Member)
		b := s.SignedIn(t, name)
		add(b)
		s.Clock.Move(session.ProofLife + time.Second)
		for _, code := range []string{"", "000000"} {
			b.Post("/account/prove", "password", webtest.Good, "code", code, "next", "/account/passkeys").Want(http.StatusUnprocessableEntity).WantPage()
		}
		b.Get("/account/prove").Want(http.StatusOK).WantPage()
		b.Get("/account/passkeys").Want(http.StatusSeeOther)
		if name == "passkey" {
			if n := b.Get("/account/prove").Find("form[data-options]").Length(); n != 2 {
				t.Errorf("%d forms take a passkey, want one alone and one after the password", n)
			}
			b.Post("/account/prove", "password", webtest.Good, "code", recovery, "answer", "x", "trouble", "NotAllowedError").Want(http.StatusSeeOther, "/") // what is typed counts
			b.Get("/account/passkeys").Want(http.StatusOK)
		}
	}
}

// Attack guessing/open-browser: with an open browser nobody can guess the password here.
func TestGuessingForAProofIsSlowed(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada") // a known device: ten failures an hour
	s.Clock.Move(session.ProofLife)
	for range 11 {
		got := b.Post("/account/prove", "password", webtest.Other, "next", "/account/delete").Want(http.StatusUnprocessableEntity)
		got.Says("[role=alert] p", "The password is not right. Check it, then try again.").WantPage()
		if strings.Contains(got.Body, webtest.Other) || got.Find("[name=next]").AttrOr("value", "") != "/account/delete" {
			t.Fatal("the password came back, or next is lost")
		}
	}
	b.Post("/account/prove", "password", webtest.Good).Want(http.StatusTooManyRequests).WantHeader("Retry-After", "1")
	b.Get("/account/delete").Want(http.StatusSeeOther)
	if n := len(s.Texts(t, `SELECT event FROM audit WHERE event = 'signin.failed'`)); n != 11 {
		t.Errorf("%d failures are in the audit log, want 11", n)
	}
}

func TestAProofOfWhoChangedMeanwhile(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	b.Get("/account").Want(http.StatusOK)
	s.Exec(t, `UPDATE accounts SET disabled_at = 1`)                                                                       // not in the cache yet
	b.Post("/account/prove", "password", webtest.Good, "next", "/account/code").Want(http.StatusSeeOther, "/account/code") // which asks for a sign-in
	s.Exec(t, `UPDATE accounts SET disabled_at = 0`)
	if err := s.Accounts.SetPassword(t.Context(), "ada", webtest.Other, audit.Command()); err != nil {
		t.Fatal(err)
	}
	b.Post("/account/prove", "password", webtest.Other).Want(http.StatusSeeOther, "/")
}
