package self_test

import (
	"bytes"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/factor"
)

// QR code, link and text have the same secret. After a wrong code they stay the same, and
// the app is not turned on.
func TestAnAuthenticatorAppBeforeItsRightCode(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Member)
	b := s.SignedIn(t, "ada")
	b.Get("/account/code/qr.png").Want(http.StatusNotFound)
	before := s.State(t)
	page := b.Get("/account/code").Want(http.StatusOK).Says("h1", "Set up an authenticator app")
	page.WantPage()
	webtest.WantCookie(t, page.Cookie("glassjar-setup"), factor.SetUpLife, false)
	secret := page.Text("#secret")
	uri := page.Find("a[href^=otpauth]").AttrOr("href", "")
	u, err := url.Parse(uri)
	if err != nil || u.Path != "/Ada's jar:ada" || u.Query().Get("issuer") != "Ada's jar" || u.Query().Get("secret") != strings.ReplaceAll(secret, " ", "") {
		t.Errorf("the secret is %q, and the address %s, error %v", secret, uri, err)
	}
	picture := b.Get("/account/code/qr.png").Want(http.StatusOK)
	if got := decoded(t, picture.Body); got != uri || picture.Header.Get("Content-Type") != "image/png" || picture.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the picture says %s, headers %v; want %s", got, picture.Header, uri)
	}
	for _, code := range []string{"000000", "", "12345", strings.Repeat("1", 10_000)} {
		again := b.Post("/account/code", "code", code).Want(http.StatusUnprocessableEntity).Says("#problem-title", "There is a problem")
		if again.Text("#secret") != secret {
			t.Errorf("after %.9q the secret is another one", code)
		}
		if v, ok := again.Find("#code").Attr("value"); ok {
			t.Errorf("the code %q is written back", v)
		}
	}
	if s.State(t) != before {
		t.Error("something changed before a right code came")
	}
	b.Get("/account").Want(http.StatusOK).Says("#app", "None")
}

// The first right code, also after wrong ones, turns the app on, shows recovery codes and
// ends the other sessions; the secret is never shown again.
func TestAnAuthenticatorAppAfterItsRightCode(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Member)
	b := s.SignedIn(t, "ada")
	app := b.SetUpApp(s)
	elsewhere := s.SignedIn(t, "ada")
	b.Post("/account/code", "code", "000000").Want(http.StatusUnprocessableEntity)
	made := b.Post("/account/code", "code", " "+app.Code(t)[:3]+" "+app.Code(t)[3:]).Want(http.StatusOK).Says(".notice", "Your authenticator app is on. You were signed out everywhere else.")
	made.WantPage()
	if lines := strings.Split(made.Text("#recovery"), "\n"); len(lines) != factor.RecoveryCodes || !strings.HasPrefix(lines[7], "8  ") {
		t.Errorf("the recovery codes are %q", lines)
	}
	if c := made.Cookie("glassjar-setup"); c == nil || c.Value != "" || c.MaxAge >= 0 {
		t.Errorf("the cookie of the set-up is now %v", c)
	}
	elsewhere.Get("/account").Want(http.StatusSeeOther, "/?next=%2Faccount")
	b.Get("/account/code/qr.png").Want(http.StatusNotFound)
	on := b.Get("/account/code").Want(http.StatusOK).Says("h1", "Authenticator app")
	on.WantPage()
	if strings.Contains(on.Body, app.Secret) || on.Find("#secret").Length() > 0 {
		t.Error("the secret is shown again")
	}
	b.Post("/account/code", "code", app.Code(t)).Want(http.StatusSeeOther, "/account/code?done=added") // the form was sent again
	s.Clock.Move(factor.SetUpLife)
	b.Post("/account/prove", "password", webtest.Good, "code", app.Code(t)).Want(http.StatusSeeOther)
	b.Post("/account/code", "code", app.Code(t)).Want(http.StatusUnprocessableEntity).
		Says("[role=alert] p", "That took too long. Scan the new picture: the one before is good no more.")
}

// decoded returns the text of the QR code in the picture.
func decoded(t *testing.T, picture string) string {
	t.Helper()
	img, err := png.Decode(bytes.NewReader([]byte(picture)))
	if err != nil {
		t.Fatal(err)
	}
	return webtest.ReadQR(t, img)
}

// A set-up is valid for 15 minutes and for one account; then another secret is shown.
func TestASetUpThatIsOver(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Member)
	s.Add(t, "eve", account.Member)
	b := s.SignedIn(t, "ada")
	app := b.SetUpApp(s)
	s.Clock.Move(factor.SetUpLife)
	b.Post("/account/prove", "password", webtest.Good).Want(http.StatusSeeOther)
	late := b.Post("/account/code", "code", app.Code(t)).Want(http.StatusUnprocessableEntity).Says(".notice p", "That took too long. Scan the new picture: the one before is good no more.")
	if strings.ReplaceAll(late.Text("#secret"), " ", "") == app.Secret {
		t.Error("the secret is the old one")
	}
	eve := s.SignedIn(t, "eve")
	sealed := late.Cookie("glassjar-setup").Value
	if got := eve.Get("/account/code", "Cookie", eve.Cookies()+"; glassjar-setup="+sealed); got.Text("#secret") == late.Text("#secret") {
		t.Error("eve is shown ada's secret")
	}
}

// A new set-up replaces the old app only when it is confirmed, and the recovery codes
// stay. A form that is sent twice says that the app is on.
func TestANewPhone(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Member)
	b := s.SignedIn(t, "ada")
	b.AddApp(s)
	app := b.SetUpApp(s)
	twice := b.Clone()
	for _, who := range []*webtest.Browser{b, twice} {
		who.Post("/account/code", "code", app.Code(t)).Want(http.StatusSeeOther, "/account/code?done=added")
	}
	b.Get("/account/code?done=added").Want(http.StatusOK).Says(".notice", "Your authenticator app is on. You were signed out everywhere else.")
	if n := len(s.Texts(t, `SELECT code_hash FROM recovery_codes`)); n != factor.RecoveryCodes {
		t.Errorf("there are %d recovery codes", n)
	}
}

func TestTurningTheAppOff(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Member)
	b := s.SignedIn(t, "ada")
	b.AddApp(s)
	for range 2 {
		b.Post("/account/code/remove").Want(http.StatusSeeOther, "/account?done=code-removed")
	}
	b.Get("/account?done=code-removed").Want(http.StatusOK).Says(".notice", "Your authenticator app is off. You were signed out everywhere else.").Says("#app", "None")
	if n := len(s.Texts(t, `SELECT code_hash FROM recovery_codes`)); n != 0 {
		t.Errorf("%d recovery codes are left", n)
	}
}

// Recovery codes are shown once and can be downloaded. /account reminds of them until
// they are saved. New ones replace them.
func TestRecoveryCodePages(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Member)
	s.Add(t, "eve", account.Member)
	b := s.SignedIn(t, "ada")
	b.Get("/account/recovery").Want(http.StatusOK).Says("h2", "You have none")
	b.Post("/account/recovery").Want(http.StatusUnprocessableEntity).Says("#problem-title", "There is a problem")
	lacks(t, b.Get("/account"), "#unsaved")
	codes := b.AddApp(s).Recovery
	b.Get("/account").Want(http.StatusOK).Says("#save", "Did you save your recovery codes?").Says("#recovery-left", "8 of 88 of 8 left")
	file := b.Post("/account/recovery/file", "codes", strings.Join(codes, " ")).Want(http.StatusOK)
	if !strings.Contains(file.Body, "8  "+codes[7]+"\n") || !strings.Contains(file.Body, "of ada at http://") ||
		file.Header.Get("Content-Disposition") != `attachment; filename="recovery-codes-ada.txt"` || file.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("the file is %q, headers %v", file.Body, file.Header)
	}
	for _, text := range []string{"", "x", "<script>", codes[0] + " 0000-0000-0000-0000-0000-0000"} {
		b.Post("/account/recovery/file", "codes", text).Want(http.StatusBadRequest)
	}
	s.SignedIn(t, "eve").Post("/account/recovery/file", "codes", codes[0]).Want(http.StatusBadRequest)
	b.Post("/account/recovery/saved").Want(http.StatusSeeOther, "/account?done=recovery")
	lacks(t, b.Get("/account?done=recovery"), "#unsaved")
	page := b.Get("/account/recovery").Want(http.StatusOK).Says("h2", "8 of 8 are left")
	page.WantPage()
	if strings.Contains(page.Body, codes[0]) {
		t.Error("a code is shown again")
	}
	s.Clock.Move(time.Minute)
	made := b.Post("/account/recovery").Want(http.StatusOK).Says("h1", "Your recovery codes")
	if strings.Contains(made.Body, codes[0]) || !strings.Contains(made.Text(".card h2"), ", ada, ") {
		t.Errorf("the page says %s", made.Text("main"))
	}
	b.Get("/account").Says("#save", "Did you save your recovery codes?")
}

func lacks(t *testing.T, a *webtest.Answer, selector string) {
	t.Helper()
	if a.StatusCode != http.StatusOK || a.Find(selector).Length() > 0 {
		t.Errorf("it answers %s, with %s", a.Status, selector)
	}
}
