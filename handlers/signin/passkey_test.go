package signin_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/passkey/passkeytest"
)

const (
	passkeyPath   = "/auth/passkey"
	passkeyRefuse = "That passkey does not sign you in here. Use your password, or another passkey."
)

// passkeySite returns a site where ada has a passkey in the device.
func passkeySite(t *testing.T) (*webtest.Site, *passkeytest.Device) {
	t.Helper()
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "zoe", account.Owner)
	d := s.Device()
	s.SignedIn(t, "ada").AddPasskey(d, "Laptop")
	return s, d
}

// answer returns the device's answer to the browser's sign-in form.
func answer(b *webtest.Browser, d *passkeytest.Device) string {
	b.T.Helper()
	return d.Get(b.T, b.Get("/").Options(passkeyPath))
}

// A passkey signs in without a username, keeps next and remember, and makes the browser a
// known device.
func TestPasskeySignIn(t *testing.T) {
	s, d := passkeySite(t)
	b := s.Browser(t)
	page := b.Get("/auth?next=/account/events").Want(http.StatusOK)
	page.WantPage()
	webtest.WantCookie(t, page.Cookie("glassjar-passkey"), 0, false)
	if page.Find("#username").AttrOr("autocomplete", "") != "username webauthn" || page.Find("form[data-autofill][hidden]").Length() != 1 {
		t.Error("the form offers no passkey")
	}
	form := page.Find("form[action='" + passkeyPath + "']")
	next := form.Find("[name=next]").AttrOr("value", "")
	got := b.Post(passkeyPath, "answer", d.Get(t, page.Options(passkeyPath)), "next", next, "remember", "1").Want(http.StatusSeeOther, "/account/events")
	webtest.WantCookie(t, got.Cookie("glassjar"), 720*time.Hour, false)
	if got.Cookie("glassjar-device") == nil {
		t.Error("the browser is no known device")
	}
	b.Get("/account").Want(http.StatusOK).Says(".lead b", "ada")
	if lines := s.Log.Lines("event=signin.ok"); len(lines) != 2 || !strings.Contains(lines[1], "account=ada") {
		t.Errorf("the log says %q", lines)
	}
	again := s.Browser(t)
	again.Post(passkeyPath, "answer", answer(again, d)).Want(http.StatusSeeOther, "/")
	if c := again.Get("/"); c.StatusCode != http.StatusOK || c.Text("h1") != "Hello, ada" {
		t.Errorf("home is %s: %s", c.Status, c.Text("h1"))
	}
}

// The form differs only in its challenge each time, and a browser gets its nonce once.
func TestTheSignInFormsChallenge(t *testing.T) {
	s, _ := passkeySite(t)
	b := s.Browser(t)
	first, second := b.Get("/"), b.Get("/")
	if len(first.Cookies()) != 1 || len(second.Cookies()) != 0 {
		t.Errorf("the cookies are %v, then %v", first.Cookies(), second.Cookies())
	}
	one, two := first.Options(passkeyPath), second.Options(passkeyPath)
	if one == two || passkeytest.Challenge(t, one) == passkeytest.Challenge(t, two) {
		t.Error("the challenge is the same")
	}
	if diff := cmp.Diff(withoutOptions(first.Body), withoutOptions(second.Body)); diff != "" {
		t.Error(diff)
	}
	asked := withoutOptions(b.Get("/auth?username=").Body) // from the template, not precompiled
	if diff := cmp.Diff(withoutOptions(first.Body), asked); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 27), strings.Repeat("a", 26), strings.Repeat("A", 25) + "="} {
		if c := s.Browser(t).Get("/", "Cookie", "glassjar-passkey="+bad).Cookie("glassjar-passkey"); c == nil || len(c.Value) != 26 {
			t.Errorf("%q is taken for a nonce", bad)
		}
	}
	if n := len(s.Texts(t, `SELECT hash FROM used_challenges`)); n != 1 {
		t.Errorf("%d challenges are kept, want the registration's", n)
	}
	secure := webtest.New(t, webtest.Secure)
	webtest.WantCookie(t, secure.Browser(t).Get("/").Cookie("__Host-glassjar-passkey"), 0, true)
}

func withoutOptions(body string) string {
	return regexp.MustCompile(`data-options="[^"]*"`).ReplaceAllString(body, "")
}

// Attack guessing/waits: wrong answers slow down their address, but no other address and no
// passwords.
func TestWrongPasskeysAreSlowed(t *testing.T) {
	s, d := passkeySite(t)
	b, other := s.Stranger(t, "192.0.2.1"), s.Stranger(t, "192.0.2.2")
	for range 21 {
		b.Post(passkeyPath, "answer", "{}").Want(http.StatusUnprocessableEntity)
	}
	text := answer(b, d)
	got := b.Post(passkeyPath, "answer", text).Want(http.StatusTooManyRequests)
	got.Says("#problem p", "Too many sign-ins. Wait 1 s, then try again.").WantPage()
	other.Post(passkeyPath, "answer", answer(other, d)).Want(http.StatusSeeOther)
	b.Clone().SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	s.Clock.Move(time.Second)
	b.Post(passkeyPath, "answer", text).Want(http.StatusSeeOther)
	for i := range 20 { // an expired challenge does not count as a guess
		b := s.Stranger(t, fmt.Sprint("192.0.2.", 10+i))
		b.Post(passkeyPath, "answer", "{}").Want(http.StatusUnprocessableEntity)
	}
	other.Post(passkeyPath, "answer", answer(s.Stranger(t, "192.0.2.2"), d)).Want(http.StatusUnprocessableEntity)
}

// An account may sign in 120 times an hour, by any method.
func TestPasskeySignInsOfAnHour(t *testing.T) {
	s, d := passkeySite(t)
	b := s.Browser(t)
	for range 119 { // and one more by password
		b.Post(passkeyPath, "answer", d.Get(t, b.Get("/auth?other=1").Options(passkeyPath))).Want(http.StatusSeeOther)
	}
	b.Post(passkeyPath, "answer", d.Get(t, b.Get("/auth?other=1").Options(passkeyPath))).Want(http.StatusTooManyRequests)
	s.Browser(t).SignIn("ada", webtest.Good).Want(http.StatusTooManyRequests)
	s.Clock.Move(time.Hour)
	b.Post(passkeyPath, "answer", d.Get(t, b.Get("/auth?other=1").Options(passkeyPath))).Want(http.StatusSeeOther)
}

// Sending the form a second time leaves the person signed in.
func TestAPasskeyFormSentTwice(t *testing.T) {
	s, d := passkeySite(t)
	b := s.Browser(t)
	text := answer(b, d)
	b.Post(passkeyPath, "answer", text, "next", "/account").Want(http.StatusSeeOther, "/account")
	b.Post(passkeyPath, "answer", text, "next", "/account").Want(http.StatusSeeOther, "/account")
	b.Get("/account").Want(http.StatusOK)
}

// Attack guessing/same-answers: with passkeys too, the form does not reveal whether a
// name exists.
func TestNoTellingWithPasskeys(t *testing.T) {
	s, _ := passkeySite(t)
	var first string
	for i, name := range []string{"ada", "xdx"} {
		b := s.Stranger(t, fmt.Sprint("192.0.2.", i+1))
		b.Get("/")
		got := b.SignIn(name, webtest.Other).Want(http.StatusUnprocessableEntity)
		body := strings.ReplaceAll(withoutOptions(got.Body), name, "NAME")
		if i > 0 {
			if diff := cmp.Diff(first, body); diff != "" {
				t.Error(diff)
			}
		}
		if first = body; len(got.Cookies()) != 0 || len(passkeytest.Challenge(t, got.Options(passkeyPath))) != 75 {
			t.Errorf("%s: cookies %v", name, got.Cookies())
		}
	}
}

// If passkeys are off, the form has no options, and sets no cookie.
func TestTheSignInFormWithoutPasskeys(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	got := s.Browser(t).Get("/").Want(http.StatusOK)
	if got.Find("[data-options], script[type=module]").Length() != 0 || len(got.Cookies()) != 0 || got.Find("#username").AttrOr("autocomplete", "") != "username" {
		t.Error("it has a passkey's form")
	}
	s.Browser(t).Post(passkeyPath, "answer", "{}").Want(http.StatusUnprocessableEntity).Says("#problem p", passkeyRefuse)
}

func TestPasskeyEndpoints(t *testing.T) {
	s := webtest.New(t, webtest.Secure)
	got := s.Browser(t).Get("/.well-known/passkey-endpoints").Want(http.StatusOK).WantHeader("Content-Type", "application/json")
	if want := `{"enroll":"https://jar.example/account/passkeys","manage":"https://jar.example/account/passkeys"}` + "\n"; got.Body != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
}
