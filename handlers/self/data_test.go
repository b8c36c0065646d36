package self_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// file is the downloaded file.
type file struct {
	Username, Name, Email, Role string
	Groups                      []string
	Sessions                    []struct{ Address, Browser string }
	AppPasswords                []struct {
		Name, Hosts, Expires string
		Used                 *time.Time
	} `json:"app_passwords"`
	Passkeys []struct {
		Name, Host string
		Used       *time.Time
	}
	Events []struct {
		What, Address string
		At            time.Time
	}
	LeftOut bool `json:"older_events_left_out"`
}

func download(b *webtest.Browser) (f file, body string) {
	b.T.Helper()
	got := b.Post("/account/data").Want(http.StatusOK).WantHeader("Content-Type", "application/json").WantHeader("Cache-Control", "no-store")
	got.WantHeader("Content-Disposition", `attachment; filename="glassjar-bob.json"`)
	if err := json.Unmarshal([]byte(got.Body), &f); err != nil {
		b.T.Fatal(err)
	}
	return f, got.Body
}

// The file has all of the person's own data, nothing of others, and no secret.
func TestOwnData(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	at(t, s, "ada", webtest.Firefox, "192.0.2.1")
	b := at(t, s, "bob", webtest.Firefox, "192.0.2.2")
	b.Post("/account/profile", "name", "Bob", "email", "bob@site.example").Want(http.StatusSeeOther)
	if err := s.Accounts.SetGroups(t.Context(), "bob", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	secret := s.AppPassword(t, "bob", account.AppPassword{Name: "backup", Hosts: "wiki.example"})
	b.AddPasskey(s.Device(), "Laptop")
	b.Get("/account/data").Want(http.StatusOK).WantPage()
	f, body := download(b)
	if who := f.Username + f.Name + f.Email + f.Role + strings.Join(f.Groups, ","); who != "bobBobbob@site.examplememberdev" || f.LeftOut {
		t.Errorf("the profile is %q, left out %t", who, f.LeftOut)
	}
	if len(f.Passkeys) != 1 || f.Passkeys[0].Name != "Laptop" || f.Passkeys[0].Host != "jar.example" || f.Passkeys[0].Used != nil {
		t.Errorf("the passkeys are %+v", f.Passkeys)
	}
	if len(f.Sessions) != 1 || f.Sessions[0].Address != "192.0.2.2" || f.Sessions[0].Browser != webtest.Firefox {
		t.Errorf("the sessions are %+v", f.Sessions)
	}
	if len(f.AppPasswords) != 1 || f.AppPasswords[0].Name != "backup" || f.AppPasswords[0].Hosts != "wiki.example" || f.AppPasswords[0].Expires != "" || f.AppPasswords[0].Used != nil {
		t.Errorf("the app passwords are %+v", f.AppPasswords)
	}
	if len(f.Events) != 9 || f.Events[2].What != "A passkey was added: Laptop" || f.Events[8].What != "The account was made: member" {
		t.Errorf("the events are %+v", f.Events)
	}
	for _, none := range append(s.Texts(t, `SELECT sid FROM sessions UNION SELECT password FROM accounts UNION SELECT secret_hash FROM app_passwords`), secret, "192.0.2.1\"") {
		if strings.Contains(body, none) {
			t.Errorf("the file holds %q", none)
		}
	}
}

// Of more than 20,000 events, the file has the newest, and says so.
func TestOwnDataIsBounded(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	bob := s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	for range 15 { // in steps: one statement takes too long under the race detector
		s.Exec(t, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1340)
			INSERT INTO audit (at, event, account_id, username, detail, actor_id, actor, address, agent, attempt)
			SELECT 1, 'password.changed', ?, 'bob', '', '', 'command', '', '', 0 FROM n`, bob.ID)
	}
	f, _ := download(b)
	if !f.LeftOut || len(f.Events) != 20_000 || f.Events[0].What != "The password was changed" {
		t.Errorf("%d events, left out %t", len(f.Events), f.LeftOut)
	}
}
