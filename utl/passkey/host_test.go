package passkey_test

import (
	"errors"
	"strings"
	"testing"

	"glassjar/utl/audit"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// Passkeys need https and a host name, or localhost.
func TestHost(t *testing.T) {
	for site, want := range map[string]string{
		"https://jar.example": "jar.example", "https://Jar.Example:8443": "jar.example", "https://a.b.example": "a.b.example",
		"http://localhost:8080": "localhost", "https://localhost": "localhost", "http://jar.localhost:8080": "jar.localhost",
		"http://jar.example": "", "http://127.0.0.1:8080": "", "https://127.0.0.1": "", "https://[::1]:8080": "", "https://192.0.2.1": "",
		"https://jar": "", "http://[fe80::1%25eth0]:80": "", "https://0x7f.1": "",
	} {
		if got := passkey.Host(public(site)); got != want {
			t.Errorf("%s: got %q, want %q", site, got, want)
		}
	}
	w := open(t)
	ada, off := w.Owner(t, "ada"), w.site(t, "https://192.0.2.1", key("p"))
	if off.On() || (*passkey.Store)(nil).On() {
		t.Error("there are passkeys at an IP address")
	}
	d := passkeytest.New("https://192.0.2.1")
	w.register(t, ada, passkeytest.New(origin))
	if _, err := off.Add(t.Context(), ada.Identity, passkey.Registration{Name: "x", Answer: d.Create(t, w.options(t, ada, registering(ada))), Holder: ada.ID}, visitor); !errors.Is(err, passkey.ErrAnswer) {
		t.Errorf("got error %v", err)
	}
	if _, err := off.CheckSignIn(t.Context(), signIn, "{}"); !errors.Is(err, passkey.ErrAnswer) {
		t.Errorf("got error %v", err)
	}
}

// A site whose host name changed neither offers nor accepts the passkeys of the old one.
func TestAnotherHost(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	moved := w.site(t, "https://new.example", key("p"))
	text, err := moved.CreateOptions(t.Context(), registering(ada), ada.Identity)
	if err != nil || strings.Contains(text, "excludeCredentials") {
		t.Errorf("error %v, options %s", err, text)
	}
	ask := moved.SignInOptions(signIn)
	d.Origin = "https://new.example"
	var unknown passkey.UnknownError
	if _, err := moved.CheckSignIn(t.Context(), signIn, d.Get(t, ask)); !errors.Is(err, passkey.ErrUnknown) || errors.As(err, &unknown) {
		t.Errorf("got error %v, want ErrUnknown alone", err)
	}
	if all, err := moved.List(t.Context(), ada.ID); err != nil || len(all) != 1 || all[0].Host != "jar.example" {
		t.Errorf("got %+v, error %v", all, err)
	}
}

func TestNewKeys(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	text := w.options(t, ada, registering(ada))
	if err := w.SetKeys(nil); err == nil {
		t.Error("no key is taken")
	}
	if err := w.SetKeys([][32]byte{key("n"), key("p")}); err != nil {
		t.Fatal(err)
	}
	if err := w.try(t, ada, d.Create(t, text)); err != nil {
		t.Errorf("with the old key behind the new one: %v", err)
	}
	w.register(t, ada, d)
	text = w.options(t, ada, registering(ada))
	if err := w.SetKeys([][32]byte{key("p")}); err != nil {
		t.Fatal(err)
	}
	if err := w.try(t, ada, d.Create(t, text)); !errors.Is(err, passkey.ErrChallenge) {
		t.Errorf("with the new key gone: %v", err)
	}
	if _, err := passkey.New(passkey.Options{Public: public(origin)}); err == nil {
		t.Error("a store without keys")
	}
}

// Deleting an account deletes its passkeys.
func TestDeletedAccountHasNone(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	w.Owner(t, "eve")
	w.register(t, ada, d)
	if err := w.Accounts.Delete(t.Context(), "ada", audit.Command()); err != nil {
		t.Fatal(err)
	}
	if all := w.Texts(t, `SELECT id FROM passkeys`); len(all) != 0 {
		t.Errorf("there are %v", all)
	}
	var unknown passkey.UnknownError
	if _, err := w.enter(t, d.Get(t, w.SignInOptions(signIn))); !errors.As(err, &unknown) || !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("got error %v, want an UnknownError", err)
	}
}
