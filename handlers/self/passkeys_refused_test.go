package self_test

import (
	"net/http"
	"slices"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

const (
	passkeys = "/account/passkeys"
	tryAgain = "That passkey could not be verified. Try once more."
)

// fieldsOf returns the fields of a form for s, with the browser b, where somebody is
// signed in, and an empty device.
type fieldsOf func(t *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string

// always returns the fields for every site.
func always(fields ...string) fieldsOf {
	return func(*testing.T, *webtest.Site, *webtest.Browser, *passkeytest.Device) []string { return fields }
}

// refusedPasskeys are forms that must not add a passkey to ada's account.
var refusedPasskeys = []struct {
	name   string
	fields fieldsOf
	says   string
}{
	{"nothing", always(), "Your browser sent no passkey: it needs scripting for that."},
	{"nonsense", always("answer", "{}"), tryAgain},
	{"stopped", always("trouble", "NotAllowedError"), "That did not work, or you stopped it. Try once more."},
	{"a word that no browser says", always("trouble", "<b>x"), "That did not work, or you stopped it. Try once more."},
	{"there already", always("trouble", "InvalidStateError"), "This device has a passkey for you already."},
	{"another session's challenge", func(t *testing.T, s *webtest.Site, _ *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		return []string{"answer", d.Create(t, s.SignedIn(t, "ada").Get(passkeys).Options(passkeys))}
	}, tryAgain},
	{"another person's challenge", func(t *testing.T, s *webtest.Site, _ *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		return []string{"answer", d.Create(t, s.SignedIn(t, "eve").Get(passkeys).Options(passkeys))}
	}, tryAgain},
	{"too late", func(t *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		options := b.Get(passkeys).Options(passkeys)
		s.Clock.Move(passkey.Life)
		return []string{"answer", d.Create(t, options)}
	}, "That took too long. Try once more."},
	{"no name", func(t *testing.T, _ *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		return []string{"answer", d.Create(t, b.Get(passkeys).Options(passkeys)), "name", " "}
	}, "A name is 1 to 64 characters on one line."},
	{"another person's passkey", func(t *testing.T, s *webtest.Site, b *webtest.Browser, d *passkeytest.Device) []string {
		t.Helper()
		s.SignedIn(t, "eve").AddPasskey(d, "Eve's")
		return []string{"answer", d.Attest(t, b.Get(passkeys).Options(passkeys), d.Keys[0])}
	}, "This passkey is registered already."},
}

// Attack factors/passkey: a refused form says why, and keeps the typed name.
func TestPasskeysThatAreRefused(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "eve", account.Member)
	for _, row := range refusedPasskeys {
		t.Run(row.name, func(t *testing.T) {
			b := s.SignedIn(t, "ada")
			fields := row.fields(t, s, b, s.Device())
			if !slices.Contains(fields, "name") {
				fields = append(fields, "name", "My <laptop>")
			}
			got := b.Post(passkeys, fields...).Want(http.StatusUnprocessableEntity).Says("#problem p", row.says)
			got.WantPage()
			if name := got.Find("#name").AttrOr("value", ""); row.name != "no name" && name != "My <laptop>" {
				t.Errorf("the name is %q", name)
			}
			if d := s.Device(); b.Post(passkeys, "name", "Next", "answer", d.Create(t, got.Options(passkeys))).StatusCode > http.StatusSeeOther {
				t.Error("the page's next try does not work")
			}
			s.Exec(t, `DELETE FROM passkeys`)
		})
	}
}

// Attack factors/passkey: 1 MB of attestation is refused before it is parsed.
func TestOneMegabyteOfAttestation(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	b, d := s.SignedIn(t, "ada"), s.Device()
	for size, want := range map[int]int{1 << 20: http.StatusRequestEntityTooLarge, 20 << 10: http.StatusUnprocessableEntity} {
		d.Pad = size
		b.TryPasskey(d, "Laptop").Want(want)
	}
	if n := s.Texts(t, `SELECT id FROM passkeys`); len(n) != 0 {
		t.Errorf("there are %v", n)
	}
}
