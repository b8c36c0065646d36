package lab_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/passkey/passkeytest"
)

// optionsOf returns the page's options for the browser, for this value of the hidden field.
func optionsOf(a *webtest.Answer, do string) string {
	a.T.Helper()
	form := a.Find(`form[data-options]:has([name=do][value=` + do + `])`)
	if form.Length() != 1 {
		a.T.Fatalf("%d forms want to %s", form.Length(), do)
	}
	return form.AttrOr("data-options", "")
}

const passed = "++++++"

func TestLabPlaysADevice(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	page := b.Get("/lab/passkey").Want(http.StatusOK)
	page.WantPage()
	asked := page.Text("#challenge")
	if again := b.Get("/lab/passkey").Text("#challenge"); again != asked || len(asked) != 43 {
		t.Errorf("the challenge is %q, then %q", asked, again)
	}
	got := b.Post("/lab/passkey", page.Button("No device? Let the server play one")...).Want(http.StatusOK)
	got.WantPage()
	got.Says("#kept + .tag", "played by the server").Says("#challenge", asked)
	got.Says("#client", `{"type":"webauthn.get","challenge":"`+asked+`","origin":"http://jar.example","crossOrigin":false}`)
	site := sha256.Sum256([]byte("jar.example"))
	if data := strings.ReplaceAll(got.Text("#data"), " ", ""); data != hex.EncodeToString(site[:])+"0500000001" {
		t.Errorf("the device says %s", data)
	}
	got.Says(".part.t dd", "an answerthe one aboveours").Says(".part.p dd", "32 bytes05 = 000001011")
	got.Says(".bits .on", "Somebody touched the deviceIt checked who: finger, face or PIN").Says(".bits td:first-child", "0 = 12 = 13 = 04 = 06 = 07 = 0")
	got.Says("#verdict h3", "Accepted")
	if steps(got) != passed {
		t.Errorf("the checks are %s", steps(got))
	}
	if kept := labCookieOf(b, "lab-visit"); len(kept) > 3000 {
		t.Errorf("the visit's cookie has %d bytes", len(kept))
	}
	next := b.Post("/lab/passkey", got.Button("Ask another question")...).Want(http.StatusOK)
	if next.Text("#challenge") == asked || next.Find("#anatomy").Length() > 0 {
		t.Error("the old question, or its answer, is still there")
	}
	second := b.Post("/lab/passkey", next.Button("Let the server answer as a device")...)
	second.Says("#x", got.Text("#x")).Says("#verdict h3", "Accepted").Says(".part.p dd", "32 bytes05 = 000001012")
	if gone := b.Post("/lab/passkey", second.Button("Forget this passkey")...); gone.Find("#kept, #anatomy").Length() > 0 {
		t.Error("the passkey is still there")
	}
}

// Whatever is changed in the answer, the check of that value refuses it.
func TestLabPasskeyVerdicts(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	first := b.Post("/lab/passkey", "do", "soft")
	s.Clock.Move(8 * time.Second)
	for _, tt := range []struct{ button, steps, why string }{
		{"Another challenge", "-.....", ""},
		{"Another origin", "+-....", "The answer now says https://jar-example.test, but it was given at http://jar.example. A look-alike site can pass an answer on, and it opens nothing."},
		{"Another site's hash", "++-...", "The hash is now that of another site than jar.example, but the signature was made for the old one. A device has one key for each site, and never takes another's."},
		{"Say that it checked nobody", "+++-..", "The device now says that it did not check who was there. This site asks for that; and the signature was made for the other flags."},
		{"One bit of the signature", "++++-.", "All that it says is right, but the signature fits none of it. One bit is enough."},
		{"Send it once more", "+++++-", "It is the right answer, and the question was answered before, 8 seconds ago. A challenge is good once: who recorded the answer cannot use it."},
	} {
		t.Run(tt.button, func(t *testing.T) {
			got := b.Post("/lab/passkey", first.Button(tt.button)...).Want(http.StatusOK)
			got.WantPage()
			got.Says("#verdict h3", "Refused").Says("#client", first.Text("#client"))
			if steps(got) != tt.steps {
				t.Errorf("the checks are %s, want %s", steps(got), tt.steps)
			}
			if tt.why != "" {
				got.Says("#verdict h3 + p", tt.why)
			}
		})
	}
	s.Clock.Move(5 * time.Minute)
	got := b.Post("/lab/passkey", "do", "replay")
	if got.Says("#verdict h3 + p", "The challenge is older than five minutes. Ask another question."); steps(got) != "-....." {
		t.Errorf("the checks are %s", steps(got))
	}
	b.Post("/lab/passkey", "do", "x").Want(http.StatusOK).Says("#problem p", "The lab can make a passkey, answer, change an answer and forget, and nothing else.")
	s.Browser(t).Post("/lab/passkey", "do", "replay").Want(http.StatusOK).Says("#problem p", "There is no answer yet that could be changed.")
}

func TestLabTakesADevicesAnswer(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { webtest.Secure(c); webtest.WithLab(c) })
	b := s.Browser(t)
	d := passkeytest.New("https://jar.example")
	d.Counts, d.Flags = true, d.Flags|passkeytest.Eligible|passkeytest.BackedUp
	made := b.Post("/lab/passkey", "do", "make", "answer", d.Create(t, optionsOf(b.Get("/lab/passkey"), "make"))).Want(http.StatusOK)
	made.WantPage()
	made.Says("#problem", "").Says("#kept", "What the server keeps").Says("#kept + .tag", "")
	got := b.Post("/lab/passkey", "do", "answer", "answer", d.Get(t, optionsOf(made, "answer"))).Want(http.StatusOK)
	got.Says("#problem", "").Says("#verdict h3", "Accepted").Says(".part.p dd", "32 bytes1d = 000111012").Says("#data", fmt.Sprintf("% x", sha256.Sum256([]byte("jar.example")))+" 1d 00 00 00 02")
	if steps(got) != passed {
		t.Errorf("the checks are %s", steps(got))
	}
	b.Post("/lab/passkey", got.Button("Another origin")...).Says("#verdict h3", "Refused")

	look := passkeytest.New("https://jar-example.test")
	look.Keys = d.Keys
	again := b.Post("/lab/passkey", "do", "ask")
	if got := b.Post("/lab/passkey", "do", "answer", "answer", look.Get(t, optionsOf(again, "answer"))); steps(got) != "+-...." {
		t.Errorf("a look-alike's answer: the checks are %s", steps(got))
	}

	again = b.Post("/lab/passkey", "do", "ask")
	foreign := regexp.MustCompile(`"rawId":"[^"]*"`).ReplaceAllString(d.Get(t, optionsOf(again, "answer")), `"rawId":"AAAA"`)
	b.Post("/lab/passkey", "do", "answer", "answer", foreign).Says("#problem p", "That is another passkey's answer. Make one for the lab first.")
}

// A device is asked only where browsers let it answer.
func TestLabSaysWhereNoDeviceAnswers(t *testing.T) {
	for public, devices := range map[string]bool{
		"http://localhost:8080": true, "https://jar.example": true,
		"http://127.0.0.1:8080": false, "https://192.0.2.1": false, "http://[::1]:8080": false, "http://jar.example": false,
	} {
		t.Run(public, func(t *testing.T) {
			b := webtest.New(t, webtest.WithLab, func(c *handlers.Config) { c.PublicURL = webtest.Parse(t, public) }).Browser(t)
			got := b.Get("/lab/passkey").Want(http.StatusOK)
			got.WantPage()
			want := "No device can answer at " + public + ": browsers allow passkeys at a host name only, over https or on localhost."
			if devices {
				want = ""
			}
			if got.Says("#no-device", want); (got.Find("[data-options], [data-without]").Length() > 0) != devices {
				t.Errorf("the forms for a device are there: %t", !devices)
			}
			b.Post("/lab/passkey", got.Button("No device? Let the server play one")...).Says("#verdict h3", "Accepted")
		})
	}
}

const unusable = "The lab cannot use what the device made: it was made for another challenge or site, nobody was checked, or it is another kind of key. Nothing was kept."

// Malformed passkeys and answers are refused with a sentence, and nothing is stored.
func TestLabRefusesWhatNoDeviceSays(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	const unread = "The lab cannot read what came from the device. Nothing was kept."
	d := passkeytest.New("http://jar.example")
	for _, tt := range []struct{ row, do, answer, trouble, why string }{
		{"trouble", "make", "", "NotAllowedError", "Your device gave no answer, or you stopped it. Try again, or let the server play a device."},
		{"nothing", "make", "", "", unread},
		{"no JSON", "answer", "x", "", unread},
		{"no base64url", "answer", `{"response":{"clientDataJSON":"="}}`, "", unread},
		{"empty", "make", "{}", "", unusable},
		{"an empty answer", "answer", "{}", "", unread},
		{"too much", "make", `{"rawId":"` + strings.Repeat("a", 17000) + `"}`, "", unread},
		{"another challenge", "make", d.Create(t, `{"publicKey":{"challenge":"AAAA","rp":{"id":"jar.example"},"user":{"id":"AA"}}}`), "", unusable},
		{"an answer without a passkey", "answer", d.Get(t, `{"publicKey":{"challenge":"AAAA","rpId":"jar.example"}}`), "", "That is another passkey's answer. Make one for the lab first."},
	} {
		t.Run(tt.row, func(t *testing.T) {
			b := s.Browser(t)
			b.Get("/lab/passkey")
			got := b.Post("/lab/passkey", "do", tt.do, "answer", tt.answer, "trouble", tt.trouble).Want(http.StatusOK)
			got.WantPage()
			if got.Says("#problem p", tt.why); got.Find("#kept, #anatomy, #verdict").Length() > 0 {
				t.Error("something was kept")
			}
		})
	}
}

// The largest passkey and answer that the lab stores fit into the cookie.
func TestLabPasskeyFitsItsCookie(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { webtest.Secure(c); webtest.WithLab(c) })
	b := s.Browser(t)
	d := passkeytest.New("https://jar.example")
	options := optionsOf(b.Get("/lab/passkey"), "make")
	d.Create(t, options)
	d.Keys[0].ID = []byte(strings.Repeat("i", 256))
	made := b.Post("/lab/passkey", "do", "make", "answer", d.Attest(t, options, d.Keys[0]))
	made.Says("#problem", "")
	d.Origin = "https://" + strings.Repeat("a", 450)
	b.Post("/lab/passkey", "do", "answer", "answer", d.Get(t, optionsOf(made, "answer"))).Says("#verdict h3", "Refused")
	for range 3 {
		b.Post("/lab/code", "code", b.Get("/lab/code").Text("#digits"))
		s.Clock.Move(30 * time.Second)
	}
	for _, path := range webtest.LabPaths {
		b.Post(path, "do", "x", "password", "x")
	}
	if kept := labCookieOf(b, "lab-visit"); len(kept) > 4000 || len(kept) < 2000 {
		t.Errorf("the visit's cookie has %d bytes", len(kept))
	}
	d.Keys[0].ID = []byte(strings.Repeat("i", 257))
	b.Post("/lab/passkey", "do", "forget")
	b.Post("/lab/passkey", "do", "make", "answer", d.Attest(t, optionsOf(b.Get("/lab/passkey"), "make"), d.Keys[0])).Says("#kept", "")
}
