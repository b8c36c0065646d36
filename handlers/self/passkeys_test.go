package self_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/factor"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
	"glassjar/utl/session"
)

// Adding a passkey ends the other sessions, but not this one.
func TestAddPasskey(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	b, d := s.SignedIn(t, "ada"), s.Device()
	b.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	b.Get("/account").Want(http.StatusOK).Says("#passkeys", "None")
	page := b.Get("/account/passkeys").Want(http.StatusOK)
	page.WantPage()
	page.Says("#add", "Add your first passkey").Says("#off", "").Says("[role=alert]", "")
	if name, want := page.Find("#name").AttrOr("value", ""), "Firefox on Linux"+s.Clock.Now().UTC().Format(", 2 Jan"); name != want {
		t.Errorf("the name is %q, want %q", name, want)
	}
	other := s.SignedIn(t, "ada")
	b.AddPasskey(d, "Laptop").Want(http.StatusOK).Says(".notice.good", "Your passkey is added. You were signed out everywhere else.").WantPage()
	other.Get("/account").Want(http.StatusSeeOther)
	page = b.Get("/account/passkeys?done=added").Want(http.StatusOK)
	page.WantPage()
	page.Says(".notice.good", "Your passkey is added. You were signed out everywhere else.").Says("#add", "Add a passkey")
	if page.Find("#no-codes").Length() != 0 {
		t.Error("who has recovery codes is told to make some")
	}
	if rows := passkeyRows(page); !slices.Equal(rows, []string{"Laptop Signs you in. On one device only. Made just now, not used yet"}) {
		t.Errorf("the page lists %q", rows)
	}
	s.Clock.Move(time.Second)
	b.AddPasskey(d, "Phone").Want(http.StatusSeeOther)
	b.Get("/account").Want(http.StatusOK).Says("#passkeys", "2: Phone, Laptop")
}

// twoPasskeys returns a site where ada has the passkeys Laptop and Phone in the device,
// her browser, and the path of the older one, Laptop.
func twoPasskeys(t *testing.T) (s *webtest.Site, b *webtest.Browser, d *passkeytest.Device, laptop string) {
	t.Helper()
	s = webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	b, d = s.SignedIn(t, "ada"), s.Device()
	b.AddPasskey(d, "Laptop").Want(http.StatusOK)
	laptop = "/account/passkeys/" + s.Texts(t, `SELECT id FROM passkeys`)[0]
	s.Clock.Move(time.Second)
	b.AddPasskey(d, "Phone").Want(http.StatusSeeOther)
	return s, b, d, laptop
}

func TestRenamePasskey(t *testing.T) {
	_, b, _, laptop := twoPasskeys(t)
	page := b.Get("/account/passkeys").Want(http.StatusOK)
	b.Get(page.Find(".rows li:last-child a").AttrOr("href", "")).Want(http.StatusOK).Says(".lead b", "Laptop").WantPage()
	if form := page.Find(".rows li:last-child form").AttrOr("action", ""); form != laptop+"/remove" {
		t.Errorf("the form to remove it is sent to %s", form)
	}
	b.Post(laptop+"/rename", "name", strings.Repeat("x", 65)).Want(http.StatusUnprocessableEntity).
		Says("#problem p", "A name is 1 to 64 characters on one line.").WantPage()
	b.Post(laptop+"/rename", "name", "Desk").Want(http.StatusSeeOther, "/account/passkeys?done=renamed")
	b.Get("/account").Want(http.StatusOK).Says("#passkeys", "2: Phone, Desk")
}

// Removing a passkey ends the other sessions, but neither this one nor the known device;
// the page tells the device once which passkeys are left.
func TestRemovePasskey(t *testing.T) {
	s, b, d, laptop := twoPasskeys(t)
	other := s.SignedInBy(t, d)
	other.Get("/account").Want(http.StatusOK)
	b.Post(laptop+"/remove").Want(http.StatusSeeOther, "/account/passkeys?done=removed")
	other.Get("/account").Want(http.StatusSeeOther)
	b.Post(laptop + "/remove").Want(http.StatusNotFound)
	b.Post(laptop+"/rename", "name", "Desk").Want(http.StatusNotFound)
	page := b.Get("/account/passkeys?done=removed").Want(http.StatusOK)
	var told struct {
		RPID, UserID             string
		AllAcceptedCredentialIDs []string
	}
	if err := json.Unmarshal([]byte(page.Find("[data-signal]").AttrOr("data-signal", "")), &told); err != nil {
		t.Fatal(err)
	}
	if told.RPID != "jar.example" || len(told.UserID) != 43 || len(told.AllAcceptedCredentialIDs) != 1 {
		t.Errorf("the device is told %+v", told)
	}
	if n := b.Get("/account/passkeys").Find("[data-signal]").Length(); n != 0 {
		t.Error("the device is told of the passkeys each time")
	}
	if events := b.Get("/account").Text("section[aria-labelledby=events] li:first-child b"); events != "A passkey was removed: Laptop" {
		t.Errorf("the newest event is %q", events)
	}
	for range 5 { // the browser is still a known device
		s.Stranger(t, "192.0.2.9").Fail(1, "ada")
	}
	b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
}

// The first passkey creates recovery codes, which are shown once; /account reminds of
// them until they are saved. They are deleted with the last second factor.
func TestRecoveryCodesOfAPasskey(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	b, d := s.SignedIn(t, "ada"), s.Device()
	made := b.AddPasskey(d, "Laptop").Want(http.StatusOK).Says("h1", "Your recovery codes")
	if lines := strings.Split(made.Text("#recovery"), "\n"); len(lines) != factor.RecoveryCodes {
		t.Errorf("the recovery codes are %q", lines)
	}
	_, code, _ := strings.Cut(strings.Split(made.Text("#recovery"), "\n")[0], "  ")
	b.Get("/account").Want(http.StatusOK).Says("#save", "Did you save your recovery codes?")
	other := s.Browser(t)
	other.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	other.Post("/auth/code", "code", code).Want(http.StatusSeeOther)
	s.Clock.Move(time.Second)
	b.AddPasskey(d, "Phone").Want(http.StatusSeeOther)
	for _, left := range []int{factor.RecoveryCodes, 0} {
		b.Post(b.Get("/account/passkeys").Find(".rows form").AttrOr("action", "")).Want(http.StatusSeeOther)
		if got := s.Texts(t, `SELECT code_hash FROM recovery_codes`); len(got) != left {
			t.Errorf("%d recovery codes are left, want %d", len(got), left)
		}
	}
	s.Clock.Move(time.Second)
	app := b.AddApp(s)
	if len(app.Recovery) != factor.RecoveryCodes {
		t.Errorf("the app's recovery codes are %q", app.Recovery)
	}
	b.AddPasskey(d, "Laptop").Want(http.StatusSeeOther)
	s.Exec(t, `DELETE FROM recovery_codes`) // as in an account from before passkeys created recovery codes
	if to := b.Get("/account/passkeys").Find("#no-codes a").AttrOr("href", ""); to != "/account/recovery" {
		t.Errorf("the way to recovery codes leads to %q", to)
	}
}

// Attack factors/passkey: a key without a PIN is only a second step: it signs in after the
// password, but not alone, and is not a proof.
func TestAKeyWithoutAPIN(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	b, d := s.SignedIn(t, "ada"), s.Device()
	d.Flags = passkeytest.Present
	b.TryPasskey(d, "My key").Want(http.StatusUnprocessableEntity).Says("#problem p", "That passkey could not be verified. Try once more.")
	late := b.Post("/account/passkeys", "key", "1", "name", "My <key>", "trouble", "NotAllowedError").Want(http.StatusUnprocessableEntity)
	if name, other := late.Find("#key-name").AttrOr("value", ""), late.Find("#name").AttrOr("value", ""); name != "My <key>" || other == name {
		t.Errorf("the names are %q and %q", name, other)
	}
	b.TryKey(d, "My key").Want(http.StatusOK).Says("h1", "Your recovery codes")
	page := b.Get("/account/passkeys").Want(http.StatusOK)
	page.WantPage()
	if rows := passkeyRows(page); !slices.Equal(rows, []string{"My key Second step only, after your password. Made just now, not used yet"}) {
		t.Errorf("the page lists %q", rows)
	}
	for range 2 { // the second time it verifies its user: it is still registered as a second step only
		other := s.Browser(t)
		refused := other.Post("/auth/passkey", "answer", d.Get(t, other.Get("/").Options("/auth/passkey"))).Want(http.StatusUnprocessableEntity)
		refused.Says("#problem p", "That passkey does not sign you in here. Use your password, or another passkey.")
		other.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
		step := other.Get("/auth/code").Want(http.StatusOK)
		other.Post("/auth/passkey", "mark", step.Find("[name=mark]").AttrOr("value", ""), "answer", d.Get(t, step.Options("/auth/passkey"))).Want(http.StatusSeeOther, "/")
		other.Get("/account").Want(http.StatusOK)
		s.Clock.Move(session.ProofLife + time.Second)
		proof := other.Get("/account/prove").Want(http.StatusOK)
		proof.WantPage()
		if n := proof.Find("form[data-options]").Length(); n != 1 || proof.Find("form[data-options] [name=password]").Length() != 1 {
			t.Errorf("%d forms ask for the key, want the one with the password", n)
		}
		other.Post("/account/prove", "answer", d.Get(t, proof.Options("/account/prove"))).Want(http.StatusUnprocessableEntity)
		other.Post("/account/prove", "password", webtest.Other, "answer", d.Get(t, proof.Options("/account/prove")), "trouble", "").Want(http.StatusUnprocessableEntity).
			Says("#problem p", "The password is not right. Check it, then try again.")
		other.Get("/account/passkeys").Want(http.StatusSeeOther)
		other.Post("/account/prove", "password", webtest.Good, "answer", "", "trouble", "NotAllowedError").Want(http.StatusUnprocessableEntity).
			Says("#problem p", "That did not work, or you stopped it. Try once more, or another way.")
		other.Post("/account/prove", "password", webtest.Good, "answer", d.Get(t, proof.Options("/account/prove")), "trouble", "").Want(http.StatusSeeOther, "/")
		other.Get("/account/passkeys").Want(http.StatusOK)
		d.Flags |= passkeytest.Verified
	}
}

func passkeyRows(a *webtest.Answer) (all []string) {
	a.T.Helper()
	for _, row := range a.Find("section[aria-labelledby=mine] .rows li > div:first-child").EachIter() {
		row.Find("br").ReplaceWithHtml(" ")
		all = append(all, strings.Join(strings.Fields(row.Text()), " "))
	}
	return all
}

// Passkeys of another person cannot be changed.
func TestAnothersPasskey(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "eve", account.Member)
	s.SignedIn(t, "ada").AddPasskey(s.Device(), "Laptop")
	b, path := s.SignedIn(t, "eve"), "/account/passkeys/"+s.Texts(t, `SELECT id FROM passkeys`)[0]
	b.Get("/account/passkeys?rename=" + s.Texts(t, `SELECT id FROM passkeys`)[0]).Want(http.StatusNotFound)
	b.Post(path+"/rename", "name", "Mine").Want(http.StatusNotFound)
	b.Post(path + "/remove").Want(http.StatusNotFound)
	if names := s.Texts(t, `SELECT name FROM passkeys`); !slices.Equal(names, []string{"Laptop"}) {
		t.Errorf("the passkeys are %q", names)
	}
}

// Somebody with twenty passkeys is not offered another. A site at an IP address offers
// none, and lists those of its old host name.
func TestWhereNoPasskeyFits(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	b, d := s.SignedIn(t, "ada"), s.Device()
	for range passkey.MaxPasskeys {
		s.Clock.Move(time.Second)
		b.AddPasskey(d, "Laptop")
	}
	full := b.Get("/account/passkeys").Want(http.StatusOK)
	if full.WantPage(); full.Find("form[data-options]").Length() != 0 || !strings.Contains(full.Body, "can have no more") {
		t.Error("a twenty-first is offered")
	}
	moved := webtest.New(t, func(c *handlers.Config) { c.PublicURL = webtest.Parse(t, "http://192.0.2.1:8080") })
	moved.Add(t, "ada", account.Owner)
	page := moved.SignedIn(t, "ada").Get("/account/passkeys").Want(http.StatusOK)
	if page.WantPage(); page.Find("form[data-options]").Length() != 0 || !strings.Contains(page.Text("#off"), "this one is at http://192.0.2.1:8080") {
		t.Errorf("it says %q", page.Text("#off"))
	}
	moved.SignedIn(t, "ada").Post("/account/passkeys", "name", "Laptop", "answer", "{}").Want(http.StatusUnprocessableEntity)
}
