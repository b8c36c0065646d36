package process

import (
	photo "image"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"glassjar/handlers/webtest"
	"glassjar/utl/browsertest"
)

// A person with a phone, in a real browser: scans the QR code, types six digits, signs in
// with the next ones, is refused with the same ones again, and signs in once with a
// recovery code.
func TestAnAuthenticatorAppInABrowser(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	p := browsertest.Open(t)
	p.MakeAccount(s.url+s.firstLink(), "ada", good)
	p.Open(s.url + "/account/code")
	phone := scan(t, p)
	enter(p, phone.code(t, 0), "Turn it on")
	p.Sees("Your recovery codes")
	_, recovery, _ := strings.Cut(browsertest.Value[string](p, `document.querySelector("#recovery").textContent.split("\n")[0]`), "  ")
	p.Press("I have saved them")
	p.Sees("Your account")
	p.SignOut()

	const used = "That code was used already. Wait for the next."
	passwordOfAda(p)
	enter(p, phone.code(t, 0), "Sign in") // turns the app on
	p.Reads("#problem p", used)
	enter(p, phone.code(t, 30*time.Second), "Sign in")
	p.Sees("Hello, ada")
	p.SignOut()
	passwordOfAda(p)
	enter(p, phone.code(t, 30*time.Second), "Sign in")
	p.Reads("#problem p", used)

	p.Press("Use a recovery code")
	enter(p, strings.ToUpper(recovery), "Sign in")
	p.Sees("Recovery codes")
	p.Reads(".card h2", "7 of 8 are left")
	p.SignOut()
	passwordOfAda(p)
	p.Press("Use a recovery code")
	enter(p, recovery, "Sign in")
	p.Reads("#problem p", "That recovery code was used already. Take another one.")
	p.Quiet("status of 422") // from the refused codes
}

// passwordOfAda sends ada's password, the first step of her sign-in.
func passwordOfAda(p *browsertest.Page) {
	p.Submit("ada", good)
	p.Sees("One more step, ada")
}

// enter types the code and presses the button.
func enter(p *browsertest.Page, code, button string) {
	p.Fill("code", code)
	p.Press(button)
}

// phone is an authenticator app.
type phone struct {
	secret string
	began  time.Time // when it scanned the QR code
}

// code returns the six digits at this time after the phone began.
func (f phone) code(t *testing.T, later time.Duration) string {
	t.Helper()
	digits, err := totp.GenerateCode(f.secret, f.began.Add(later))
	if err != nil {
		t.Fatal(err)
	}
	return digits
}

// scan returns a phone that has scanned the QR code on the page. Without the cookie that
// holds the secret, the page shows another code each time.
func scan(t *testing.T, p *browsertest.Page) phone {
	t.Helper()
	held := network.DeleteCookiesParams{Name: "glassjar-setup", URL: browsertest.Value[string](p, "location.href")}
	said := webtest.ScanQR(t, func() photo.Image {
		if _, err := chromedp.Call(p.Ctx, network.DeleteCookies, held); err != nil {
			t.Fatal(err)
		}
		p.Do(chromedp.Reload())
		p.Has("img.qr")
		return p.Looks("img.qr")
	})
	u, err := url.Parse(said)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || !strings.HasSuffix(u.Path, ":ada") {
		t.Fatalf("the picture says %q, %v", said, err)
	}
	return phone{u.Query().Get("secret"), time.Now()}
}
