package webtest

import (
	"net/http"
	"net/url"
	"testing"

	"glassjar/handlers"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// wanted marks a site that has passkeys although its tests use http.
var wanted = &passkey.Store{}

// WithPasskeys turns passkeys on, as if the site used https.
func WithPasskeys(c *handlers.Config) { c.Passkeys = wanted }

// passkeys returns the site's passkey store; over http it is off unless WithPasskeys was
// used.
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

// Device returns a device for passkeys of the site.
func (s *Site) Device() *passkeytest.Device {
	at := url.URL{Scheme: "https", Host: s.Settings.PublicURL.Host}
	return passkeytest.New(at.String())
}

// Options returns the passkey options of the page's form with the action.
func (a *Answer) Options(action string) string {
	a.T.Helper()
	options, ok := a.Find("form[data-options][action='" + action + "']").Attr("data-options")
	if !ok {
		a.T.Fatalf("%s %s: no passkey's form goes to %s", a.Request.Method, a.Request.URL.Path, action)
	}
	return options
}

// AddPasskey makes the device create a passkey for whoever is signed in.
func (b *Browser) AddPasskey(d *passkeytest.Device, name string) *Answer {
	b.T.Helper()
	added := b.TryPasskey(d, name)
	if added.StatusCode != http.StatusOK { // 200 shows recovery codes
		added.Want(http.StatusSeeOther, "/account/passkeys?done=added")
	}
	return added
}

// TryPasskey makes the device create a passkey, and returns the site's response.
func (b *Browser) TryPasskey(d *passkeytest.Device, name string) *Answer {
	b.T.Helper()
	options := b.Get("/account/passkeys").Options("/account/passkeys")
	return b.Post("/account/passkeys", "name", name, "answer", d.Create(b.T, options))
}

// TryKey makes the device create a security key that may only follow a password, for
// whoever is signed in, and returns the site's response.
func (b *Browser) TryKey(d *passkeytest.Device, name string) *Answer {
	b.T.Helper()
	options := b.Get("/account/passkeys").Find("section[aria-labelledby=key] form").AttrOr("data-options", "")
	return b.Post("/account/passkeys", "key", "1", "name", name, "answer", d.Create(b.T, options))
}

// SignedInBy returns a browser in which the person with the device's newest passkey is
// signed in.
func (s *Site) SignedInBy(tb testing.TB, d *passkeytest.Device) *Browser {
	tb.Helper()
	b := s.Browser(tb)
	b.Post("/auth/passkey", "answer", d.Get(tb, b.Get("/").Options("/auth/passkey"))).Want(http.StatusSeeOther)
	return b
}
