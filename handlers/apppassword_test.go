package handlers_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
)

// What the page shows once opens the gate, in the very line that it shows.
func TestAnAppPasswordIsMadeAndShownOnce(t *testing.T) {
	w := newWorld(t, jar, "")
	b, _ := w.in(t)
	got := b.post("/account/app-passwords", "current", good, "name", " backup <b>", "days", "30", "hosts", "wiki.example, APP.site.example wiki.example").
		want(http.StatusOK).header("Cache-Control", "no-store")
	got.wantPage()
	got.says("[role=status] h2", "Your new app password").says("[role=alert]", "")
	line := regexp.MustCompile(`^curl -H '(Authorization): (Bearer (\S+))' (\S+)$`).FindStringSubmatch(got.text("#try"))
	if line == nil || line[3] != got.text("#secret") || line[4] != sister+"/" {
		t.Fatalf("the line is %q, the secret %q", got.text("#try"), got.text("#secret"))
	}
	for _, app := range []string{line[4], elsewhere + "/"} {
		if in := w.browser(t).at(app).get("", line[1], line[2]).want(http.StatusOK); in.body != "GET "+app+" as ada" {
			t.Errorf("the app sees %q", in.body)
		}
	}
	if typed := got.find("#name").AttrOr("value", "none") + got.find("#hosts").AttrOr("value", "none"); typed != "" {
		t.Errorf("the form still holds %q", typed)
	}
	again := b.get("/account").want(http.StatusOK)
	if strings.Contains(again.body, line[3][3:]) {
		t.Error("the secret is shown a second time")
	}
	now := w.clock.now().UTC()
	day := func(at time.Time) string { return at.Format("2 Jan 2006, 15:04 UTC") }
	want := "backup <b> For app.site.example, wiki.example, made " + day(now) + ", expires " + day(now.Add(30*24*time.Hour)) + ", last used " + day(now)
	if rows := again.rows("app-passwords"); len(rows) != 1 || rows[0] != want {
		t.Errorf("the page lists %q, want %q", rows, want)
	}
	if rows := again.rows("events"); !strings.HasPrefix(rows[0], "An app password was made") {
		t.Errorf("the events are %q", rows)
	}
}

func TestAnAppPasswordForEveryHostAndForEver(t *testing.T) {
	w := newWorld(t, jar, "")
	b, _ := w.in(t)
	got := b.post("/account/app-passwords", "current", good, "name", "all").want(http.StatusOK)
	if !strings.HasSuffix(got.text("#try"), "' https://HOST/") {
		t.Errorf("the line is %q", got.text("#try"))
	}
	w.clock.move(9 * 365 * 24 * time.Hour)
	w.passes(t, sister+"/", "Bearer "+got.text("#secret")).want(http.StatusOK)
}

func TestAnAppPasswordExpires(t *testing.T) {
	w := newWorld(t, jar, "")
	b, _ := w.in(t)
	got := b.post("/account/app-passwords", "current", good, "name", "short", "days", "1").want(http.StatusOK)
	bearer := "Bearer " + got.text("#secret")
	w.clock.move(24*time.Hour - time.Second)
	w.passes(t, elsewhere+"/", bearer).want(http.StatusOK)
	w.clock.move(time.Second)
	w.passes(t, elsewhere+"/", bearer).want(http.StatusUnauthorized)
	rows := w.signedIn(t, "ada").get("/account").rows("app-passwords")
	if len(rows) != 1 || !strings.HasPrefix(rows[0], "short expired For every host, ") {
		t.Errorf("the page lists %q", rows)
	}
}

func TestAnAppPasswordThatIsNotMade(t *testing.T) {
	const (
		days  = "The number of days is 1 to 3650, or empty."
		hosts = "One of these is no host that the gate answers for. Write each by its name alone, without a port, such as app.example; 20 at most."
	)
	w := newWorld(t, jar, "")
	b, _ := w.in(t)
	for _, row := range []struct{ why, name, days, hosts, current, problem string }{
		{"no name", "", "", "", good, "A name is 1 to 64 characters on one line."},
		{"a name of 65", strings.Repeat("x", 65), "", "", good, "A name is 1 to 64 characters on one line."},
		{"no days", "x", "0", "", good, days},
		{"days that have been", "x", "-1", "", good, days},
		{"too many days", "x", "3651", "", good, days},
		{"words for days", "x", "ten", "", good, days},
		{"a host of others", "x", "", "app.site.example evil.example", good, hosts},
		{"a port", "x", "", "wiki.example:8443", good, hosts},
		{"a URL", "x", "", "https://app.site.example/", good, hosts},
		{"a pattern", "x", "", "*.site.example", good, hosts},
		{"21 hosts", "x", "", strings.Repeat("wiki.example ", 21), good, hosts},
		{"not the password", "x", "1", "wiki.example", other, "The current password is not right."},
	} {
		t.Run(row.why, func(t *testing.T) {
			got := b.post("/account/app-passwords", "current", row.current, "name", row.name, "days", row.days, "hosts", row.hosts).want(http.StatusUnprocessableEntity)
			got.says("[role=alert] p", row.problem).wantPage()
			for id, typed := range map[string]string{"#name": row.name, "#days": row.days, "#hosts": row.hosts, "#prove": ""} {
				if kept := got.find(id).AttrOr("value", ""); kept != typed {
					t.Errorf("%s holds %q, want %q", id, kept, typed)
				}
			}
			if strings.Contains(got.body, row.current) || len(got.rows("devices")) == 0 {
				t.Error("the password came back, or the rest of the page is gone")
			}
		})
	}
	if n := len(w.texts(t, `SELECT id FROM app_passwords`)); n > 0 {
		t.Errorf("%d were made", n)
	}
}

// Attack guessing/open-browser: whoever found a browser open does not guess the password here.
func TestGuessingForAnAppPasswordIsSlowed(t *testing.T) {
	s := newSite(t, withGate)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada") // a known device: ten an hour
	for range 11 {
		b.post("/account/app-passwords", "current", other, "name", "x").want(http.StatusUnprocessableEntity)
	}
	b.post("/account/app-passwords", "current", good, "name", "x").want(http.StatusTooManyRequests).header("Retry-After", "1")
}

func TestAnAppPasswordIsRevoked(t *testing.T) {
	w := newWorld(t, jar, "")
	ada, _ := w.in(t)
	w.add(t, "bob", account.Member)
	bob := w.signedIn(t, "bob")
	bearer := "Bearer " + w.appPassword(t, "bob", account.AppPassword{Name: "backup"})
	revoke := bob.get("/account").find("section[aria-labelledby=app-passwords] li form").AttrOr("action", "")
	if revoke != "/account/app-passwords/"+w.texts(t, `SELECT id FROM app_passwords`)[0]+"/revoke" {
		t.Fatalf("the button goes to %q", revoke)
	}
	ada.post(revoke).want(http.StatusNotFound).says("h1", "Not found")
	w.passes(t, elsewhere+"/", bearer).want(http.StatusOK)
	bob.post(revoke).want(http.StatusSeeOther, "/account")
	w.passes(t, elsewhere+"/", bearer).want(http.StatusUnauthorized)
	bob.post(revoke).want(http.StatusNotFound)
	if got := w.texts(t, `SELECT actor || ' ' || username || ' ' || detail FROM audit WHERE event = 'apppassword.revoked'`); len(got) != 1 || got[0] != "bob bob backup" {
		t.Errorf("the audit log says %q", got)
	}
}

// The page says what a new password does to app passwords.
func TestANewPasswordRevokesAppPasswords(t *testing.T) {
	w := newWorld(t, jar, "")
	b, _ := w.in(t)
	bearer := "Bearer " + w.appPassword(t, "ada", account.AppPassword{Name: "backup"})
	if words := b.get("/account").text("section[aria-labelledby=app-passwords] .step"); !strings.Contains(words, "Changing or resetting your password revokes them all; signing out revokes none.") {
		t.Errorf("the page says %q", words)
	}
	b.post("/account/sessions/end-others").want(http.StatusSeeOther)
	b.clone().post("/logout").want(http.StatusSeeOther)
	w.passes(t, elsewhere+"/", bearer).want(http.StatusOK)
	b = w.signedIn(t, "ada")
	b.post("/account/password", "current", good, "password", other).want(http.StatusSeeOther)
	w.passes(t, elsewhere+"/", bearer).want(http.StatusUnauthorized)
}

// Where the gate answers for no host, the page has nothing for app passwords.
func TestNoAppPasswordsWithoutAGate(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	if n := s.signedIn(t, "ada").get("/account").want(http.StatusOK).find("#app-passwords").Length(); n > 0 {
		t.Error("the page has a part for app passwords")
	}
}
