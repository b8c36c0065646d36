package signin_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
	"glassjar/utl/session"
)

const stepRefuse = "That passkey is not good here. Try another one, or another way."

// pending signs ada in by password, and returns the page for the second step.
func pending(b *webtest.Browser) *webtest.Answer {
	b.T.Helper()
	b.Post("/auth", "username", "ada", "password", webtest.Good, "next", "/account/events").Want(http.StatusSeeOther, "/auth/code")
	return b.Get("/auth/code").Want(http.StatusOK)
}

// marked returns the page's field mark.
func marked(page *webtest.Answer) string {
	return page.Find("form[action='/auth/passkey'] [name=mark]").AttrOr("value", "")
}

// A passkey after the password makes a session of level 2, also a key without a PIN.
func TestAPasskeyAfterThePassword(t *testing.T) {
	s, d := passkeySite(t)
	b := s.Browser(t)
	page := pending(b)
	page.WantPage()
	page.Says(".head p", "Your passkey")
	if page.Find("#code").Length() != 0 || page.Find("form[data-options][hidden]").Length() != 1 {
		t.Error("the page asks for a code, or for no passkey")
	}
	b.Get("/auth/code?with=recovery").Want(http.StatusOK).WantPage()
	next := page.Find("form[action='/auth/passkey'] [name=next]").AttrOr("value", "")
	got := b.Post("/auth/passkey", "answer", d.Get(t, page.Options("/auth/passkey")), "mark", marked(page), "next", next).Want(http.StatusSeeOther, "/account/events")
	if c := got.Cookie("glassjar-pending"); c == nil || c.MaxAge >= 0 {
		t.Errorf("the browser keeps the pending sign-in: %v", c)
	}
	b.Get("/account").Want(http.StatusOK)
	d.Flags = passkeytest.Present // like a key without a PIN
	k := s.Browser(t)
	page = pending(k)
	k.Post("/auth/passkey", "answer", d.Get(t, page.Options("/auth/passkey")), "mark", marked(page)).Want(http.StatusSeeOther, "/account/events")
	if got := s.Texts(t, `SELECT level || ' ' || amr FROM sessions WHERE ended_at = 0 AND amr LIKE '%pwd%' ORDER BY started_at, amr`); !slices.Contains(got, "2 hwk mfa pwd") || !slices.Contains(got, "2 hwk mfa pwd user") {
		t.Errorf("the sessions are %q", got)
	}
}

// Attack factors/passkey: answers that do not complete a pending sign-in; it stays valid.
func TestSecondStepsThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer func(t *testing.T, s *webtest.Site, b *webtest.Browser, page *webtest.Answer, d *passkeytest.Device) string
		says   string
	}{
		{"nothing", func(*testing.T, *webtest.Site, *webtest.Browser, *webtest.Answer, *passkeytest.Device) string {
			return ""
		}, "That did not work, or you stopped it. Try once more, or another way."},
		{"a sign-in's challenge", func(t *testing.T, _ *webtest.Site, b *webtest.Browser, _ *webtest.Answer, d *passkeytest.Device) string {
			t.Helper()
			return d.Get(t, b.Get("/auth?other=1").Options("/auth/passkey"))
		}, stepRefuse},
		{"another pending sign-in's challenge", func(t *testing.T, s *webtest.Site, _ *webtest.Browser, _ *webtest.Answer, d *passkeytest.Device) string {
			t.Helper()
			return d.Get(t, pending(s.Browser(t)).Options("/auth/passkey"))
		}, stepRefuse},
		{"another person's passkey", func(t *testing.T, s *webtest.Site, _ *webtest.Browser, page *webtest.Answer, _ *passkeytest.Device) string {
			t.Helper()
			theirs := s.Device()
			s.SignedIn(t, "zoe").AddPasskey(theirs, "Zoe's")
			return theirs.Sign(t, page.Options("/auth/passkey"), theirs.Keys[0])
		}, stepRefuse},
		{"too late", func(t *testing.T, s *webtest.Site, _ *webtest.Browser, page *webtest.Answer, d *passkeytest.Device) string {
			t.Helper()
			s.Clock.Move(passkey.Life)
			return d.Get(t, page.Options("/auth/passkey"))
		}, "That took too long. Try once more."},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, d := passkeySite(t)
			b := s.Browser(t)
			page := pending(b)
			got := b.Post("/auth/passkey", "answer", row.answer(t, s, b, page, d), "mark", marked(page)).Want(http.StatusUnprocessableEntity).Says("#problem p", row.says)
			got.WantPage()
			b.Get("/account").Want(http.StatusSeeOther)
			b.Post("/auth/passkey", "answer", d.Get(t, got.Options("/auth/passkey")), "mark", marked(got)).Want(http.StatusSeeOther, "/account/events")
		})
	}
}

// A second step without a pending sign-in, or for an older one, leads back to the form;
// of two at once one succeeds.
func TestSecondStepsOfOtherSignIns(t *testing.T) {
	s, d := passkeySite(t)
	b := s.Browser(t)
	b.Post("/auth/passkey", "answer", "{}", "mark", "", "next", "/account").Want(http.StatusSeeOther, "/?next=%2Faccount")
	first := pending(b)
	old := d.Get(t, first.Options("/auth/passkey"))
	second := pending(b)
	b.Post("/auth/passkey", "answer", old, "mark", marked(first)).Want(http.StatusUnprocessableEntity).
		Says("#problem p", "You began another sign-in in this browser after this one. Start again.")
	twin, text := b.Clone(), d.Get(t, second.Options("/auth/passkey"))
	b.Post("/auth/passkey", "answer", text, "mark", marked(second)).Want(http.StatusSeeOther, "/account/events")
	twin.Post("/auth/passkey", "answer", text, "mark", marked(second)).Want(http.StatusSeeOther, "/")
	twin.Get("/account").Want(http.StatusSeeOther)
}

// A passkey that verified its user is a proof; one that did not is refused.
func TestAPasskeyAsAProof(t *testing.T) {
	s, d := passkeySite(t)
	b := s.SignedInBy(t, d)
	theirs := s.Device()
	s.SignedIn(t, "zoe").AddPasskey(theirs, "Zoe's")
	s.Clock.Move(session.ProofLife + time.Second)
	const path = "/account/prove"
	page := b.Get("/account/prove?next=/account/passkeys").Want(http.StatusOK)
	page.WantPage()
	b.Post(path, "answer", "", "trouble", "NotAllowedError").Want(http.StatusUnprocessableEntity).Says("#problem p", "That did not work, or you stopped it. Try once more, or another way.").WantPage()
	const refused = "That passkey does not confirm that it is you. Try another one, or another way."
	b.Post(path, "answer", theirs.Sign(t, page.Options(path), theirs.Keys[0])).Want(http.StatusUnprocessableEntity).Says("#problem p", refused)
	d.Flags = passkeytest.Present
	b.Post(path, "answer", d.Get(t, page.Options(path))).Want(http.StatusUnprocessableEntity).Says("#problem p", refused)
	d.Flags |= passkeytest.Verified
	b.Post(path, "answer", d.Get(t, s.Browser(t).Get("/").Options("/auth/passkey"))).Want(http.StatusUnprocessableEntity).Says("#problem p", refused)
	elsewhere := s.SignedInBy(t, d).Get(path).Options(path)
	b.Post(path, "answer", d.Get(t, elsewhere)).Want(http.StatusUnprocessableEntity).Says("#problem p", refused)
	b.Get("/account/passkeys").Want(http.StatusSeeOther, "/account/prove?next=%2Faccount%2Fpasskeys")
	text, old := d.Get(t, page.Options(path)), b.Clone()
	b.Post(path, "answer", text, "next", "/account/passkeys").Want(http.StatusSeeOther, "/account/passkeys")
	b.Get("/account/passkeys").Want(http.StatusOK)
	old.Get("/account").Want(http.StatusSeeOther)
	b.Post(path, "answer", text, "next", "/account/passkeys").Want(http.StatusSeeOther, "/account/passkeys") // the form was sent twice
	none := webtest.New(t, webtest.WithPasskeys)
	none.Add(t, "ada", account.Owner)
	if n := none.SignedIn(t, "ada").Get(path).Find("[data-options], script[type=module]").Length(); n != 0 {
		t.Error("who has no passkey is asked for one")
	}
}
