package signin_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// fieldsOf returns the fields of a form for s, where ada has a passkey in d, and the
// browser b, where nobody is signed in.
type fieldsOf func(t *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string

// always returns the fields for every site.
func always(fields ...string) fieldsOf {
	return func(*testing.T, *webtest.Site, *webtest.Browser, *passkeytest.Device) []string { return fields }
}

// refusedSignIns are forms with a passkey that must not sign anybody in.
var refusedSignIns = []struct {
	name   string
	fields fieldsOf
	says   string
	signal bool // whether the device is told to forget the passkey
}{
	{"nothing", always(), "Your browser sent no passkey: it needs scripting for that. Use your password.", false},
	{"stopped", always("trouble", "NotAllowedError"), "That did not work, or you stopped it. Try once more, or use your password.", false},
	{"nonsense", always("answer", "{"), passkeyRefuse, false},
	{"another browser's challenge", func(t *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		b.Get("/").Want(http.StatusOK)
		return []string{"answer", answer(s.Browser(t), d)}
	}, passkeyRefuse, false},
	{"cookies are blocked", func(t *testing.T, s *webtest.Site, _ *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		return []string{"answer", answer(s.Browser(t), d)}
	}, "Your browser did not keep the cookie that a passkey needs: allow cookies for this site, then try once more.", false},
	{"too late", func(_ *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		text := answer(b, d)
		s.Clock.Move(passkey.Life)
		return []string{"answer", text}
	}, "That took too long. Try once more.", false},
	{"its user not verified", func(_ *testing.T, _ *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		d.Flags = passkeytest.Present
		return []string{"answer", answer(b, d)}
	}, passkeyRefuse, false},
	{"another origin", func(_ *testing.T, _ *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		d.Origin = "https://jar.example.evil.example"
		return []string{"answer", answer(b, d)}
	}, passkeyRefuse, false},
	{"used", func(_ *testing.T, _ *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		text := answer(b, d)
		b.Clone().Post(passkeyPath, "answer", text).Want(http.StatusSeeOther)
		return []string{"answer", text}
	}, passkeyRefuse, false},
	{"a removed passkey", func(t *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		s.Person(t, "ada").Post("/account/passkeys/" + s.Texts(t, `SELECT id FROM passkeys`)[0] + "/remove").Want(http.StatusSeeOther)
		return []string{"answer", answer(b, d)}
	}, passkeyRefuse, true},
	{"a disabled account's", func(t *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		s.Disable(t, "ada")
		return []string{"answer", answer(b, d)}
	}, passkeyRefuse, false},
	{"a count that goes back", func(_ *testing.T, _ *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		d.Count = 5
		text := answer(b, d)
		b.Clone().Post(passkeyPath, "answer", text).Want(http.StatusSeeOther)
		d.Count = 4
		return []string{"answer", answer(b, d)}
	}, passkeyRefuse, false},
}

// Attack factors/passkey: every refused passkey gets the same text, whatever
// the reason, unless the browser keeps no cookies.
func TestPasskeySignInsThatAreRefused(t *testing.T) {
	for _, row := range refusedSignIns {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, d := passkeySite(t)
			b := s.Browser(t)
			got := b.Post(passkeyPath, append(row.fields(t, s, b, d), "next", "/account/events", "remember", "1")...)
			got.Want(http.StatusUnprocessableEntity).Says("#problem p", row.says).WantPage()
			if got.Cookie("glassjar") != nil || got.Cookie("glassjar-device") != nil {
				t.Errorf("cookies come: %v", got.Cookies())
			}
			b.Get("/account").Want(http.StatusSeeOther)
			if got.Find("[data-signal]").Length() == 1 != row.signal {
				t.Errorf("the device is told: %t", !row.signal)
			}
			if got.Find("form[action='"+passkeyPath+"'] [name=next]").AttrOr("value", "") != "/account/events" || got.Find("[name=remember][checked]").Length() != 1 {
				t.Error("next or remember is gone")
			}
			failed := s.Texts(t, `SELECT event || ' ' || username FROM audit WHERE attempt = 1 ORDER BY id`)
			if told := slices.Contains(failed, "passkey.copied ada"); told != strings.HasPrefix(row.name, "a count") {
				t.Errorf("the audit log has %q", failed)
			}
		})
	}
}

// The browser is told the id of a credential that no account has.
func TestUnknownPasskeyIsTold(t *testing.T) {
	s, d := passkeySite(t)
	s.Exec(t, `DELETE FROM passkeys`)
	b := s.Browser(t)
	got := b.Post(passkeyPath, "answer", answer(b, d)).Want(http.StatusUnprocessableEntity)
	var told struct{ RPID, CredentialID string }
	if err := json.Unmarshal([]byte(got.Find("[data-signal]").AttrOr("data-signal", "")), &told); err != nil || told.RPID != "jar.example" || len(told.CredentialID) != 43 {
		t.Errorf("it is told %+v, error %v", told, err)
	}
}
