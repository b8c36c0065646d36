package process

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/browsertest"
	"glassjar/utl/mail/mailtest"
)

// postbox is a mail server whose mails' links are opened.
type postbox struct {
	*mailtest.Server

	read int // number of mails that were read
}

// newPostbox starts a mail server, and returns it with a folder whose .env configures it
// for the program and its commands.
func newPostbox(t *testing.T) (*postbox, string) {
	t.Helper()
	box, folder := &postbox{Server: mailtest.Start(t, "smtp")}, t.TempDir()
	settings := "SMTP_URL=" + box.URL("smtp", "127.0.0.1").String() + "\nMAIL_FROM=jar@site.example\n"
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return box, folder
}

// link waits for the next mail to the address and returns the path of its link. It skips
// mails to others.
func (b *postbox) link(p *program, to string) (path string) {
	p.t.Helper()
	p.eventually("a mail to "+to+" comes", func() bool {
		for all := b.Mails(); path == "" && b.read < len(all); b.read++ {
			if all[b.read].To == to {
				path = all[b.read].Link(p.t)
			}
		}
		return path != ""
	})
	return path
}

// audited are the audit log's entries of the story of ada and nora.
var audited = []string{
	"A link was made: join by ada", "A link was made: join by mail", "A link was used: jointo nora by nora", "The account was made: memberto nora by nora",
	"The email address was confirmed: nora@site.exampleto nora by nora",
	"The groups were changed: devto nora by ada", "Signed into nora by nora", "A session endedto nora by ada",
	"A link was made: resetto nora by ada", "A link was made: resetto nora by mail", "A link was used: resetto nora by nora",
	"The password was changedto nora by nora", "Signed into nora by nora", "The account was deletedto nora by ada",
}

// The owner invites a second person, who joins in another browser, is put into a group,
// signs in with an email address, is signed out everywhere and refused, gets a reset link
// by mail, and is deleted. The audit log has each step with its actor.
func TestPeopleInABrowser(t *testing.T) {
	box, folder := newPostbox(t)
	s := start(t, folder)
	ada, nora := browsertest.Open(t), browsertest.Open(t)
	ada.MakeAccount(s.url+s.firstLink(), "ada", good)
	ada.Open(s.url + "/people/invite")
	ada.Fill("email", "nora@site.example")
	ada.Press("Make the link")
	ada.Sees("Pass this link on")

	nora.MakeAccount(s.url+box.link(s, "nora@site.example"), "nora", good)
	ada.Open(s.url + "/people/nora")
	ada.Fill("groups", "dev")
	ada.Press("Save the groups")
	ada.Reads(".notice", "The groups are saved.")
	nora.SignOut()
	nora.Submit("nora@site.example", good)
	nora.Sees("Hello, nora")

	ada.Press("Sign out everywhere")
	ada.Reads(".notice", "The person is signed out everywhere.")
	nora.Open(s.url + "/account")
	nora.Sees("Sign in")

	ada.Press("Make a reset link")
	ada.Sees("Pass this link on")
	nora.Open(s.url + box.link(s, "nora@site.example"))
	nora.Sees("Set a new password")
	nora.Fill("password", other)
	nora.Press("Set the password")
	nora.Sees("Hello, nora")

	ada.Open(s.url + "/people/nora/delete")
	ada.Fill("confirm", "nora")
	ada.Press("Delete nora")
	ada.Sees("People")
	nora.Open(s.url + "/account")
	nora.Sees("Sign in")
	nora.Submit("nora", other)
	nora.Has("#problem")

	ada.Open(s.url + "/people/audit")
	ada.Sees("What happened")
	wantInTurn(t, ada, audited)
}

// wantInTurn fails the test unless the page of the audit log has the rows in this order,
// with others in between.
func wantInTurn(t *testing.T, p *browsertest.Page, want []string) {
	t.Helper()
	rows := strings.Split(browsertest.Value[string](p, `[...document.querySelectorAll("tbody tr")].map(r =>
		[...r.querySelectorAll("th, td")].slice(0, 2).map(c => c.textContent.trim()).join(" by ")).reverse().join("\n")`), "\n")
	for _, one := range want {
		at := slices.Index(rows, one)
		if at < 0 {
			t.Fatalf("%q is not there, in its turn; the audit log goes on with\n%s", one, strings.Join(rows, "\n"))
		}
		rows = rows[at+1:]
	}
}
