package self_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// The secret is shown once, in a command that passes the gate.
func TestAnAppPasswordIsMadeAndShownOnce(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, _ := w.In(t)
	got := b.Post("/account/app-passwords", "name", " backup <b>", "days", "30", "hosts", "wiki.example, APP.site.example wiki.example").
		Want(http.StatusOK).WantHeader("Cache-Control", "no-store")
	got.WantPage()
	got.Says("h1", "Your new app password").Says("[role=alert]", "")
	got.Says(".say p:last-child", "backup <b>, for app.site.example, wiki.example, until "+w.Clock.Now().UTC().Add(30*24*time.Hour).Format("2 Jan 2006"))
	line := regexp.MustCompile(`^curl -H '(Authorization): (Bearer (\S+))' (\S+)$`).FindStringSubmatch(got.Text("#try"))
	if line == nil || line[3] != got.Text("#secret") || line[4] != webtest.Sister+"/" {
		t.Fatalf("the line is %q, the secret %q", got.Text("#try"), got.Text("#secret"))
	}
	for _, app := range []string{line[4], webtest.Elsewhere + "/"} {
		if in := w.Browser(t).At(app).Get("", line[1], line[2]).Want(http.StatusOK); in.Body != "GET "+app+" as ada" {
			t.Errorf("the app sees %q", in.Body)
		}
	}
	again := b.Get("/account/app-passwords").Want(http.StatusOK)
	if strings.Contains(again.Body, line[3][3:]) {
		t.Error("the secret is shown a second time")
	}
	again.WantPage()
	want := "backup <b> For app.site.example, wiki.example, made just now, expires " + w.Clock.Now().UTC().Add(30*24*time.Hour).Format("2 Jan 2006") + ", last used just now"
	if rows := rowsOf(again, "app-passwords"); len(rows) != 1 || rows[0] != want {
		t.Errorf("the page lists %q, want %q", rows, want)
	}
	overview := b.Get("/account").Want(http.StatusOK).Says("section[aria-labelledby=app-passwords] .doors b", "1 of them").Says("section[aria-labelledby=app-passwords] .doors span", "backup <b>")
	if rows := rowsOf(overview, "events"); !strings.HasPrefix(rows[0], "An app password was made") {
		t.Errorf("the events are %q", rows)
	}
}

func TestAnAppPasswordForEveryHostAndForEver(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, _ := w.In(t)
	got := b.Post("/account/app-passwords", "name", "all").Want(http.StatusOK)
	if !strings.HasSuffix(got.Text("#try"), "' https://HOST/") {
		t.Errorf("the line is %q", got.Text("#try"))
	}
	w.Clock.Move(9 * 365 * 24 * time.Hour)
	w.Passes(t, webtest.Sister+"/", "Bearer "+got.Text("#secret")).Want(http.StatusOK)
}

func TestAnAppPasswordExpires(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, _ := w.In(t)
	got := b.Post("/account/app-passwords", "name", "short", "days", "1").Want(http.StatusOK)
	bearer := "Bearer " + got.Text("#secret")
	w.Clock.Move(24*time.Hour - time.Second)
	w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusOK)
	w.Clock.Move(time.Second)
	w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusUnauthorized)
	rows := rowsOf(w.SignedIn(t, "ada").Get("/account/app-passwords"), "app-passwords")
	if len(rows) != 1 || !strings.HasPrefix(rows[0], "short expired For every host, made 1 day ago, expired just now, ") {
		t.Errorf("the page lists %q", rows)
	}
}

func TestAnAppPasswordThatIsNotMade(t *testing.T) {
	const (
		days  = "The number of days is 1 to 3650, or empty."
		hosts = "One of these is no host that the gate answers for. Write each by its name alone, without a port, such as app.example; 20 at most."
	)
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, _ := w.In(t)
	w.AppPassword(t, "ada", account.AppPassword{Name: "kept"})
	for _, row := range []struct{ why, name, days, hosts, problem string }{
		{"no name", "", "", "", "A name is 1 to 64 characters on one line."},
		{"a name of 65", strings.Repeat("x", 65), "", "", "A name is 1 to 64 characters on one line."},
		{"no days", "x", "0", "", days},
		{"days that have been", "x", "-1", "", days},
		{"too many days", "x", "3651", "", days},
		{"words for days", "x", "ten", "", days},
		{"a host of others", "x", "", "app.site.example evil.example", hosts},
		{"a port", "x", "", "wiki.example:8443", hosts},
		{"a URL", "x", "", "https://app.site.example/", hosts},
		{"a pattern", "x", "", "*.site.example", hosts},
		{"21 hosts", "x", "", strings.Repeat("wiki.example ", 21), hosts},
	} {
		t.Run(row.why, func(t *testing.T) {
			got := b.Post("/account/app-passwords", "name", row.name, "days", row.days, "hosts", row.hosts).Want(http.StatusUnprocessableEntity)
			got.Says("[role=alert] p", row.problem).WantPage()
			for id, typed := range map[string]string{"#name": row.name, "#days": row.days, "#hosts": row.hosts} {
				if kept := got.Find(id).AttrOr("value", ""); kept != typed {
					t.Errorf("%s holds %q, want %q", id, kept, typed)
				}
			}
			if len(rowsOf(got, "app-passwords")) != 1 {
				t.Error("the rest of the page is gone")
			}
		})
	}
	if n := len(w.Texts(t, `SELECT id FROM app_passwords`)); n != 1 {
		t.Errorf("%d were made", n-1)
	}
}

func TestAnAppPasswordIsRevoked(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	ada, _ := w.In(t)
	w.Add(t, "bob", account.Member)
	bob := w.SignedIn(t, "bob")
	bearer := "Bearer " + w.AppPassword(t, "bob", account.AppPassword{Name: "backup"})
	revoke := bob.Get("/account/app-passwords").Find("section[aria-labelledby=app-passwords] li form").AttrOr("action", "")
	if revoke != "/account/app-passwords/"+w.Texts(t, `SELECT id FROM app_passwords`)[0]+"/revoke" {
		t.Fatalf("the button goes to %q", revoke)
	}
	ada.Post(revoke).Want(http.StatusNotFound).Says("h1", "Not found")
	w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusOK)
	bob.Post(revoke).Want(http.StatusSeeOther, "/account/app-passwords")
	w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusUnauthorized)
	bob.Post(revoke).Want(http.StatusNotFound)
	if got := w.Texts(t, `SELECT actor || ' ' || username || ' ' || detail FROM audit WHERE event = 'apppassword.revoked'`); len(got) != 1 || got[0] != "bob bob backup" {
		t.Errorf("the audit log says %q", got)
	}
}

// The page says that a new password revokes app passwords.
func TestANewPasswordRevokesAppPasswords(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, _ := w.In(t)
	bearer := "Bearer " + w.AppPassword(t, "ada", account.AppPassword{Name: "backup"})
	if words := b.Get("/account/app-passwords").Text(".lead"); !strings.Contains(words, "Changing or resetting your password revokes them all; signing out revokes none.") {
		t.Errorf("the page says %q", words)
	}
	b.Post("/account/sessions/end-others").Want(http.StatusSeeOther)
	b.Clone().Post("/logout").Want(http.StatusSeeOther)
	w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusOK)
	b = w.SignedIn(t, "ada")
	b.Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusSeeOther)
	w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusUnauthorized)
}

// Without gate hosts there is no use for app passwords, and the page says so.
func TestNoAppPasswordsWithoutAGate(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	if n := b.Get("/account").Want(http.StatusOK).Find("#app-passwords").Length(); n > 0 {
		t.Error("the overview has a part for app passwords")
	}
	got := b.Get("/account/app-passwords").Want(http.StatusOK).Says("h2", "There is nothing to open yet")
	if got.WantPage(); got.Find("main form").Length() > 0 {
		t.Error("there is a form")
	}
}

func TestTheOverviewNamesThreeAppPasswords(t *testing.T) {
	s := webtest.New(t, webtest.WithGate)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	says := func(number, names string) {
		t.Helper()
		b.Get("/account").Want(http.StatusOK).Says("section[aria-labelledby=app-passwords] .doors b", number).
			Says("section[aria-labelledby=app-passwords] .doors span", names)
	}
	says("None", "For programs that cannot fill in a form.")
	b.Get("/account/app-passwords").Want(http.StatusOK).WantPage()
	for _, name := range []string{"first", "second", "third", "fourth", "fifth"} {
		s.Clock.Move(time.Second)
		s.AppPassword(t, "ada", account.AppPassword{Name: name})
	}
	says("5 of them", "fifth, fourth, third and 2 more")
}
