package process

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"glassjar/handlers/webtest"
	"glassjar/utl/browsertest"
)

// A person with a phone, in a real browser: scans the picture, types six digits, signs in
// with the next ones, is refused the same twice, and comes back once by a recovery code.
func TestAnAuthenticatorAppInABrowser(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	p := browsertest.Open(t)
	p.MakeAccount(s.url+s.firstLink(), "ada", good)
	p.Open(s.url + "/account/code")
	phone, began := scan(t, p), time.Now()
	code := func(later time.Duration) string {
		digits, err := totp.GenerateCode(phone, began.Add(later))
		if err != nil {
			t.Fatal(err)
		}
		return digits
	}
	enter := func(code, button string) {
		p.Fill("code", code)
		p.Press(button)
	}
	enter(code(0), "Turn it on")
	p.Sees("Your recovery codes")
	_, recovery, _ := strings.Cut(browsertest.Value[string](p, `document.querySelector("#recovery").textContent.split("\n")[0]`), "  ")
	p.Press("I have saved them")
	p.Sees("Your account")
	p.SignOut()

	step := func() {
		p.Submit("ada", good)
		p.Sees("One more step, ada")
	}
	const used = "That code was used already. Wait for the next."
	step()
	enter(code(0), "Sign in") // it set the app up
	p.Reads("#problem p", used)
	enter(code(30*time.Second), "Sign in")
	p.Sees("Hello, ada")
	p.SignOut()
	step()
	enter(code(30*time.Second), "Sign in")
	p.Reads("#problem p", used)

	p.Press("Use a recovery code")
	enter(strings.ToUpper(recovery), "Sign in")
	p.Sees("Recovery codes")
	p.Reads(".card h2", "7 of 8 are left")
	p.SignOut()
	step()
	p.Press("Use a recovery code")
	enter(recovery, "Sign in")
	p.Reads("#problem p", "That recovery code was used already. Take another one.")
	p.Quiet("status of 422") // the refusals
}

// scan returns the secret in the picture on the page, as a phone's camera reads it.
func scan(t *testing.T, p *browsertest.Page) string {
	t.Helper()
	p.Do(chromedp.WaitVisible(chromedp.CSS("img.qr")))
	said := webtest.ReadQR(t, p.Looks("img.qr"))
	u, err := url.Parse(said)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || !strings.HasSuffix(u.Path, ":ada") {
		t.Fatalf("the picture says %q, %v", said, err)
	}
	return u.Query().Get("secret")
}
