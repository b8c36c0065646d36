package self_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

const (
	safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

// at returns a browser with this User-Agent and address, where username is signed in.
func at(tb testing.TB, s *webtest.Site, username, agent, address string) *webtest.Browser {
	tb.Helper()
	b := s.Stranger(tb, address)
	b.Header.Set("User-Agent", agent)
	b.SignIn(username, webtest.Good).Want(http.StatusSeeOther)
	s.Clock.Move(time.Minute)
	return b
}

// rowsOf returns the texts of the list's rows.
func rowsOf(a *webtest.Answer, list string) []string {
	return a.Find("section[aria-labelledby=" + list + "] li > div").Map(func(_ int, row *goquery.Selection) string {
		row.Find("br").ReplaceWithHtml(" ")
		return strings.Join(strings.Fields(row.Text()), " ")
	})
}

// end returns the action of the button that ends the device with the name.
func end(a *webtest.Answer, device string) string {
	a.T.Helper()
	row := a.Find("section[aria-labelledby=devices] li").FilterFunction(func(_ int, row *goquery.Selection) bool {
		return strings.HasPrefix(strings.TrimSpace(row.Text()), device)
	})
	action, ok := row.Find("form").Attr("action")
	if !ok {
		a.T.Fatalf("no button ends %q", device)
	}
	return action
}

func TestDevices(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	at(t, s, "ada", webtest.Firefox, "192.0.2.1")
	at(t, s, "ada", "<i>", "2001:db8::1")
	at(t, s, "ada", "", "192.0.2.3")
	b := at(t, s, "ada", safari, "192.0.2.2")
	got := b.Get("/account").Want(http.StatusOK)
	var want []string
	for i, device := range []string{
		"Safari on iOS this one 192.0.2.2", "Unknown browser 192.0.2.3", "<i> 2001:db8::1", "Firefox on Linux 192.0.2.1",
	} {
		ago := []string{"1 minute ago", "2 minutes ago", "3 minutes ago", "4 minutes ago"}[i]
		if device += ", since " + ago; i > 0 { // this session was used just now
			device += ", last seen " + ago
		}
		want = append(want, device)
	}
	if rows := rowsOf(got, "devices"); strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Errorf("the devices are\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
	for i, exact := range []string{"15:04:05 UTC", time.RFC3339} {
		if since, attr := s.Clock.Now().UTC().Add(-time.Minute).Format(exact), []string{"title", "datetime"}[i]; !strings.HasSuffix(got.Find("section[aria-labelledby=devices] time").First().AttrOr(attr, ""), since) {
			t.Errorf("the first time's %s is not %s", attr, since)
		}
	}
	for _, sid := range s.Texts(t, `SELECT sid FROM sessions`) {
		if strings.Contains(got.Body, sid) {
			t.Error("a sid is in the page")
		}
	}
	got.WantPage()
}

// Attack cookie/replay, cookie/one-of-two: ending one device leaves the others signed in.
func TestEndOneDevice(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	lost, here := at(t, s, "ada", webtest.Firefox, "192.0.2.1"), at(t, s, "ada", safari, "192.0.2.2")
	here.Post(end(here.Get("/account"), "Firefox")).Want(http.StatusSeeOther, "/account")
	lost.Get("/account").Want(http.StatusSeeOther)
	got := here.Get("/account").Want(http.StatusOK)
	if len(rowsOf(got, "devices")) != 1 || got.Find("form[action$=end-others]").Length() != 0 {
		t.Errorf("the devices are %q, want one and no button for others", rowsOf(got, "devices"))
	}
	here.Post(end(got, "Safari")).Want(http.StatusSeeOther, "/account") // ends this session itself
	here.Get("/account").Want(http.StatusSeeOther)
}

// Attack cookie/one-of-two: nobody can end a session of another account.
func TestNobodyEndsAnotherAccountsSession(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	victim := at(t, s, "ada", webtest.Firefox, "192.0.2.1")
	end, b := end(victim.Get("/account"), "Firefox"), s.Person(t, "bob")
	before := s.State(t)
	b.Post(end).Want(http.StatusSeeOther, "/account")
	for _, id := range append(s.Texts(t, `SELECT sid FROM sessions`), "none", "%27%20OR%201=1", "%00", strings.Repeat("x", 5000)) {
		b.Post("/account/sessions/"+id+"/end").Want(http.StatusSeeOther, "/account")
	}
	if s.State(t) != before {
		t.Error("something changed")
	}
	victim.Get("/account").Want(http.StatusOK)
}

// Attack cookie/replay: ends all other sessions, only of this account.
func TestEndOtherDevices(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	a, b, c := s.SignedIn(t, "ada"), s.SignedIn(t, "ada"), s.SignedIn(t, "bob")
	here := s.SignedIn(t, "ada")
	here.Post("/account/sessions/end-others").Want(http.StatusSeeOther, "/account")
	a.Get("/account").Want(http.StatusSeeOther)
	b.Get("/account").Want(http.StatusSeeOther)
	c.Get("/account").Want(http.StatusOK)
	here.Get("/account").Want(http.StatusOK)
}
