package webtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"glassjar/utl/audit"
	"glassjar/utl/factor"
)

// factors returns the store of the site's second factors.
func (s *Site) factors(tb testing.TB) *factor.Store {
	tb.Helper()
	f, err := factor.New(factor.Options{
		DB: s.DB, Sessions: s.Sessions, SiteName: "Ada's jar", Keys: [][32]byte{FactorKey}, Now: s.Clock.Now,
		Changed: s.Accounts.FactorsChanged, Used: s.Accounts.FactorUsed, Cleared: s.Accounts.RevokeAppPasswords,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// FactorKey is the key that encrypts authenticator apps' secrets.
var FactorKey = [32]byte{1: 7}

// App is an authenticator app, with the account's recovery codes.
type App struct {
	site     *Site
	Secret   string
	Recovery []string
}

// AddApp gives username an authenticator app. All their sessions end.
func (s *Site) AddApp(tb testing.TB, username string) App {
	tb.Helper()
	a, err := s.Accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	f := s.Settings.Factors
	sealed, secret := f.NewSetUp(a.ID)
	app := App{site: s, Secret: secret.Text()}
	app.Recovery, err = f.Confirm(tb.Context(), a.Identity, factor.Confirmation{SetUp: sealed, Code: app.Code(tb)}, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	s.Clock.Move(time.Minute) // that code is used
	return app
}

// Code returns the app's current six digits.
func (a App) Code(tb testing.TB) string {
	tb.Helper()
	code, err := totp.GenerateCode(a.Secret, a.site.Clock.Now())
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

// Wrong returns six digits that are not the app's, now or in the adjacent time steps.
func (a App) Wrong(tb testing.TB) string {
	tb.Helper()
	var right []string
	for step := -1; step <= 1; step++ {
		code, err := totp.GenerateCode(a.Secret, a.site.Clock.Now().Add(time.Duration(step)*30*time.Second))
		if err != nil {
			tb.Fatal(err)
		}
		right = append(right, code)
	}
	for _, digits := range []string{"000000", "111111", "222222", "333333"} {
		if !strings.Contains(strings.Join(right, " "), digits) {
			return digits
		}
	}
	panic("three codes are four")
}

// SignInWith signs username in with the app, and moves the clock to its next code.
func (b *Browser) SignInWith(a App, username string) {
	b.T.Helper()
	b.SignIn(username, Good).Want(http.StatusSeeOther, "/auth/code")
	b.Post("/auth/code", "code", a.Code(b.T)).Want(http.StatusSeeOther)
	a.site.Clock.Move(30 * time.Second)
}

// SetUpApp opens the page that sets up an authenticator app, also a new one, and returns the
// app.
func (b *Browser) SetUpApp(s *Site) App {
	b.T.Helper()
	page := b.Get("/account/code?new=1").Want(http.StatusOK)
	return App{site: s, Secret: strings.ReplaceAll(page.Text("#secret"), " ", "")}
}

// AddApp turns on the first authenticator app of whoever is signed in. It shows recovery
// codes if the account had none.
func (b *Browser) AddApp(s *Site) App {
	b.T.Helper()
	app := b.SetUpApp(s)
	made := b.Post("/account/code", "code", app.Code(b.T))
	s.Clock.Move(time.Minute) // that code is used
	if made.StatusCode == http.StatusSeeOther {
		made.Want(http.StatusSeeOther, "/account/code?done=added")
		return app
	}
	made.Want(http.StatusOK)
	for line := range strings.Lines(made.Text("#recovery")) {
		_, code, _ := strings.Cut(strings.TrimSpace(line), "  ")
		app.Recovery = append(app.Recovery, code)
	}
	return app
}
