package webtest

import (
	"net/http"
	"net/url"
	"testing"

	"glassjar/handlers"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// wanted marks a site that has passkeys, though its tests reach it over http.
var wanted = &passkey.Store{}

// WithPasskeys gives the site passkeys, as if it was reached over https.
func WithPasskeys(c *handlers.Config) { c.Passkeys = wanted }

// passkeys returns the store of the site's passkeys: over http without WithPasskeys,
// one that is off.
func (s *Site) passkeys(tb testing.TB, c handlers.Config) *passkey.Store {
	tb.Helper()
	public := *c.PublicURL
	if c.Passkeys == wanted {
		public.Scheme = "https"
	}
	store, err := passkey.New(passkey.Options{
		DB: s.DB, Sessions: s.Sessions, Public: &public, SiteName: "Ada's jar", Keys: [][32]byte{PasskeyKey}, Now: s.Clock.Now,
		Changed: s.Accounts.FactorsChanged, FirstRecovery: c.Factors.FirstRecovery, LastRecovery: c.Factors.LastRecovery,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// Device returns a device that is used at the site.
func (s *Site) Device() *passkeytest.Device {
	at := url.URL{Scheme: "https", Host: s.Settings.PublicURL.Host}
	return passkeytest.New(at.String())
}

// Options returns what the page gives the browser for the passkey's form that goes
// to action.
func (a *Answer) Options(action string) string {
	a.T.Helper()
	options, ok := a.Find("form[data-options][action='" + action + "']").Attr("data-options")
	if !ok {
		a.T.Fatalf("%s %s: no passkey's form goes to %s", a.Request.Method, a.Request.URL.Path, action)
	}
	return options
}

// AddPasskey has the device make a passkey for whom is signed in.
func (b *Browser) AddPasskey(d *passkeytest.Device, name string) *Answer {
	b.T.Helper()
	added := b.TryPasskey(d, name)
	if added.StatusCode != http.StatusOK { // which shows recovery codes
		added.Want(http.StatusSeeOther, "/account/passkeys?done=added")
	}
	return added
}

// TryPasskey has the device make a passkey, and returns what the site answers.
func (b *Browser) TryPasskey(d *passkeytest.Device, name string) *Answer {
	b.T.Helper()
	options := b.Get("/account/passkeys").Options("/account/passkeys")
	return b.Post("/account/passkeys", "name", name, "answer", d.Create(b.T, options))
}

// TryKey has the device make a security key that follows a password, for whom is
// signed in, and returns what the site answers.
func (b *Browser) TryKey(d *passkeytest.Device, name string) *Answer {
	b.T.Helper()
	options := b.Get("/account/passkeys").Find("section[aria-labelledby=key] form").AttrOr("data-options", "")
	return b.Post("/account/passkeys", "key", "1", "name", name, "answer", d.Create(b.T, options))
}

// SignedInBy returns a browser in which whose passkey is the newest in the device is
// signed in.
func (s *Site) SignedInBy(tb testing.TB, d *passkeytest.Device) *Browser {
	tb.Helper()
	b := s.Browser(tb)
	b.Post("/auth/passkey", "answer", d.Get(tb, b.Get("/").Options("/auth/passkey"))).Want(http.StatusSeeOther)
	return b
}
