package self_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// Without mail, a sign-in from a new browser is shown on the overview until it is read;
// one from a known device is not.
func TestANewBrowserIsTold(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	ada := s.Browser(t)
	ada.Header.Set("User-Agent", firefox)
	ada.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
	got := ada.Get("/account").Want(http.StatusOK)
	got.WantPage()
	if text := got.Text(".todo li div"); !strings.HasPrefix(text, "Somebody signed in from a browser never seenFirefox on Linux, 127.0.0.1, ") {
		t.Errorf("the page says %q", text)
	}
	got.Says(".todo li button", "That was me")
	act := got.Find(".todo li form").AttrOr("action", "")
	s.Add(t, "bob", account.Member)
	s.SignedIn(t, "bob").Post(act).Want(http.StatusSeeOther, "/account")
	if got := ada.Get("/account"); got.Find(".todo").Length() != 1 {
		t.Error("somebody else has read it")
	}
	ada.Post(act).Want(http.StatusSeeOther, "/account")
	for _, again := range []bool{false, true} {
		if again {
			ada.Post("/logout").Want(http.StatusSeeOther)
			ada.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
		}
		if n := ada.Get("/account").Want(http.StatusOK).Find(".todo").Length(); n != 0 {
			t.Errorf("signed in again: %t, and there is something to look at", again)
		}
	}
}

// The notices say who changed a password, an address or the ways to sign in.
func TestNoticesInWords(t *testing.T) {
	s := webtest.New(t)
	a := s.Add(t, "ada", account.Owner)
	ada := s.SignedIn(t, "ada")
	ada.Post(ada.Get("/account").Find(".todo li form").AttrOr("action", "")).Want(http.StatusSeeOther)
	by := audit.Actor{ID: "another", Name: "bob", Address: "192.0.2.1"}
	if err := s.Accounts.SetEmail(t.Context(), "ada", "ada@site.example", true, by); err != nil {
		t.Fatal(err)
	}
	s.Clock.Move(time.Second)
	if err := s.Accounts.SetEmail(t.Context(), "ada", "", true, audit.Command()); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, `INSERT INTO notices (id, account_id, kind, detail, at, actor, address, agent) VALUES ('x', ?, 'factors-changed', 'A passkey was added.', 1, '', '192.0.2.7', ?)`, a.ID, firefox)
	s.Clock.Move(time.Second)
	ada.Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusSeeOther)
	got := ada.Get("/account").Want(http.StatusOK)
	got.WantPage()
	rows := got.Find(".todo li").Map(func(_ int, one *goquery.Selection) string {
		return one.Find("b").Text() + "|" + strings.TrimSpace(one.Find("button").Text())
	})
	want := "Your password was changed|That was me, Your email address was removed|I know, Your email address was changed to ada@site.example|I know, The ways to sign in were changed. A passkey was added.|That was me"
	if strings.Join(rows, ", ") != want {
		t.Errorf("the page says\n%q, want\n%q", strings.Join(rows, ", "), want)
	}
	if text := got.Text(".todo"); !strings.Contains(text, "by bob, ") || !strings.Contains(text, "by a command on the server, ") {
		t.Errorf("the page says %q", text)
	}
}

// Attack mail/lock: people can lock their own account from the overview: then nothing
// changes it, and no session is left.
func TestLock(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	elsewhere, ada := s.SignedIn(t, "ada"), s.SignedIn(t, "ada")
	ada.Post("/account/lock").Want(http.StatusSeeOther, "/auth?done=locked")
	ada.Get("/auth?done=locked").Want(http.StatusOK).WantPage()
	elsewhere.Get("/account").Want(http.StatusSeeOther)
	ada.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
	for path, fields := range map[string][]string{
		"/account/password":      {"current", webtest.Good, "password", webtest.Other},
		"/account/profile":       {"name", "Ada", "email", "ada@site.example"},
		"/account/app-passwords": {"current", webtest.Good, "name", "sync"},
		"/account/delete":        {"confirm", "ada"},
		"/people/ada/unlock":     {},
		"/people/ada/profile":    {"email", "ada@site.example"},
		"/people/ada/reset":      {},
	} {
		got := ada.Post(path, fields...)
		if text := got.Text("[role=alert]"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text, "lock") {
			t.Errorf("%s: %s, %q", path, got.Status, text)
		}
	}
	s.Clock.Move(account.LockLife)
	ada.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
	ada.Post("/account/profile", "name", "Ada", "email", "ada@site.example").Want(http.StatusSeeOther)
}

// Beyond ten mails a day none is promised.
func TestAnAddressThatIsNotMailed(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	ada := s.SignedIn(t, "ada")
	s.WithMail(t)
	for range mail.MaxDaily {
		ada.Post("/account/profile", "name", "", "email", " Ada@site.example").Want(http.StatusSeeOther, "/account?done=asked")
	}
	s.Clock.Move(time.Second)
	ada.Post("/account/profile", "name", "", "email", "ada@site.example").Want(http.StatusSeeOther, "/account?done=unasked")
	ada.Get("/account?done=unasked").Want(http.StatusOK).
		Says("[role=status]", "Your profile is saved. No mail was sent to the new address, because there are too many just now: save it again tomorrow.")
}

// With mail, an address is confirmed by the mailed link, not before; the previous address
// gets a notice.
func TestAnAddressIsConfirmedByMail(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	ada := s.SignedIn(t, "ada")
	if err := s.Accounts.SetEmail(t.Context(), "ada", "old@site.example", true, audit.Command()); err != nil {
		t.Fatal(err)
	}
	box := s.WithMail(t)
	ada.Post("/account/profile", "name", "", "email", "new@site.example").Want(http.StatusSeeOther, "/account?done=asked")
	ada.Get("/account?done=asked").Want(http.StatusOK).
		Says("[role=status]", "Your profile is saved. A mail is on its way to the new address: open the link in it, then the address is confirmed.")
	all := box.Deliver(t)
	if len(all) != 2 || all[0].To != "old@site.example" || all[1].To != "new@site.example" {
		if all[0].To != "new@site.example" {
			t.Fatalf("the mails are %+v", all)
		}
		all[0], all[1] = all[1], all[0]
	}
	if text, _ := all[0].Parts(t); !strings.Contains(text, "was changed to new@site.example.") || !strings.HasPrefix(all[0].Link(t), "/lock/") {
		t.Errorf("the old address is told\n%s", text)
	}
	page := ada.Get("/account/profile").Want(http.StatusOK)
	page.WantPage()
	page.Says("#email-hint", "Not confirmed yet. Save it once more for another mail with a link.")
	ada.Post("/account/profile", "name", "", "email", "new@site.example").Want(http.StatusSeeOther, "/account?done=asked")
	again := box.One(t, "new@site.example", "Confirm your email address for Ada's jar").Link(t)
	stranger := s.Browser(t)
	stranger.SignIn("new@site.example", webtest.Good).Want(http.StatusUnprocessableEntity)
	stranger.Get(again).Want(http.StatusOK).WantPage()
	stranger.Post(all[1].Link(t)).Want(http.StatusSeeOther, "/auth?done=confirmed")
	stranger.Get("/auth?done=confirmed").Want(http.StatusOK).Says("#done", "The email address is confirmed.")
	stranger.SignIn("new@site.example", webtest.Good).Want(http.StatusSeeOther)
	ada.Post(again).Want(http.StatusSeeOther, "/account?done=confirmed") // the second of two links
	ada.Post(again).Want(http.StatusGone)
	ada.Post("/account/profile", "name", "Ada", "email", "new@site.example").Want(http.StatusSeeOther, "/account?done=profile")
}

// The person is notified when a passkey is added or removed; the passkeys of a locked account
// cannot be changed.
func TestPasskeysAreTold(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	ada, d := s.SignedIn(t, "ada"), s.Device()
	s.Clock.Move(time.Second)
	ada.AddPasskey(d, "Laptop")
	remove := ada.Get("/account/passkeys").Find(".rows form").AttrOr("action", "")
	s.Lock(t, "ada")
	s.Clock.Move(time.Second)
	ada.Post("/auth/passkey", "answer", d.Get(t, ada.Get("/auth?other=1").Options("/auth/passkey"))).Want(http.StatusSeeOther)
	got := ada.Post(remove)
	if text := got.Text("h1"); got.StatusCode != http.StatusConflict || text != "The account is locked" {
		t.Errorf("locked: %s, %q", got.Status, text)
	}
	s.Exec(t, `UPDATE accounts SET locked_until = 0`)
	s.Clock.Move(time.Second)
	ada.Post(remove).Want(http.StatusSeeOther)
	rows := ada.Get("/account").Want(http.StatusOK).Find(".todo b").Map(func(_ int, one *goquery.Selection) string { return one.Text() })
	if want := "The ways to sign in were changed. A passkey was removed: Laptop., Somebody signed in from a browser never seen, " +
		"The ways to sign in were changed. A passkey was added: Laptop., Somebody signed in from a browser never seen"; strings.Join(rows, ", ") != want {
		t.Errorf("the page says\n%q, want\n%q", strings.Join(rows, ", "), want)
	}
}
