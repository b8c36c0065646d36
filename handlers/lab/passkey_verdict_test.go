package lab_test

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/passkey/passkeytest"
)

// clientData matches the client data in a device's answer.
var clientData = regexp.MustCompile(`"clientDataJSON":"([^"]*)"`)

// replaceInClientData returns the device's answer with other client data.
func replaceInClientData(t *testing.T, answer, old, by string) string {
	t.Helper()
	encoded := clientData.FindStringSubmatch(answer)[1]
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("the client data is %q: %v", text, err)
	}
	changed := strings.ReplaceAll(string(text), old, by)
	return strings.ReplaceAll(answer, encoded, base64.RawURLEncoding.EncodeToString([]byte(changed)))
}

// Of an answer that came wrong from the device, the lab does not say that it was changed,
// also if a button then changes another value.
func TestLabPasskeyVerdictsOnWhatCameSo(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { webtest.Secure(c); webtest.WithLab(c) })
	b := s.Browser(t)
	d, other := passkeytest.New("https://jar.example"), passkeytest.New("https://jar.example")
	creation := optionsOf(b.Get("/lab/passkey"), "make")
	other.Create(t, creation)
	b.Post("/lab/passkey", "do", "make", "answer", d.Create(t, creation))
	other.Keys[0].ID = d.Keys[0].ID
	with := func(change func(d *passkeytest.Device)) func(string) string {
		changed := *d
		change(&changed)
		return func(options string) string { return changed.Get(t, options) }
	}
	ofAnotherType := func(options string) string {
		return replaceInClientData(t, d.Get(t, options), "webauthn.get", "payment.get")
	}
	ofAnotherKey := func(options string) string { return other.Get(t, options) }
	framed := with(func(d *passkeytest.Device) { d.Framed = true })
	const inFrame = `It was given on a page of this site, but inside another site's page: the browser says "crossOrigin":true.`
	for _, tt := range []struct {
		row, button string // the button is pressed after the answer; empty: none
		answer      func(options string) string
		steps, why  string
	}{
		{"another type", "", ofAnotherType, "-.....", "Its type is payment.get, and that of an answer is webauthn.get: it was made for something else."},
		{"a look-alike's", "", with(func(d *passkeytest.Device) { d.Origin = "https://jar-example.test" }), "+-....", "The answer was given at https://jar-example.test, and this site is https://jar.example. A look-alike site can pass an answer on, and it opens nothing."},
		{"in a frame", "", framed, "+-....", inFrame},
		{"in a frame, then a bit", "One bit of the signature", framed, "+-....", inFrame},
		{"for another site", "Say that it checked nobody", with(func(d *passkeytest.Device) { d.RPID = "example" }), "++-...", "The device signed for another site than jar.example: it has one key for each, and never takes another's."},
		{"nobody there", "", with(func(d *passkeytest.Device) { d.Flags = passkeytest.Verified }), "+++-..", "The device says that nobody touched it. This site asks for that."},
		{"nobody checked", "Say that it checked nobody", with(func(d *passkeytest.Device) { d.Flags = passkeytest.Present }), "+++-..", "The device says that it did not check who was there. This site asks for that."},
		{"another key's", "Send it once more", ofAnotherKey, "++++-.", "All that it says is right, but this passkey's key did not make the signature for it."},
	} {
		t.Run(tt.row, func(t *testing.T) {
			got := b.Post("/lab/passkey", "do", "answer", "answer", tt.answer(optionsOf(b.Post("/lab/passkey", "do", "ask"), "answer")))
			if tt.button != "" {
				got = b.Post("/lab/passkey", got.Button(tt.button)...)
			}
			got.WantPage()
			if got.Says("#verdict h3 + p", tt.why); steps(got) != tt.steps {
				t.Errorf("the checks are %s, want %s", steps(got), tt.steps)
			}
		})
	}
}

// Also a new passkey is refused for these reasons, and the page names them.
func TestLabRefusesANewPasskey(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { webtest.Secure(c); webtest.WithLab(c) })
	for row, d := range map[string]*passkeytest.Device{
		"nobody checked": {Origin: "https://jar.example", Flags: passkeytest.Present},
		"a look-alike's": {Origin: "https://jar-example.test", Flags: passkeytest.Present | passkeytest.Verified},
		"for another":    {Origin: "https://jar.example", RPID: "example", Flags: passkeytest.Present | passkeytest.Verified},
	} {
		t.Run(row, func(t *testing.T) {
			b := s.Browser(t)
			b.Post("/lab/passkey", "do", "make", "answer", d.Create(t, optionsOf(b.Get("/lab/passkey"), "make"))).Says("#problem p", unusable).Says("#kept", "")
		})
	}
}
