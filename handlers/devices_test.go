package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/utl/account"
)

// Browsers' words for themselves.
const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

// at returns a browser of the kind at the address, signed in as username.
func (s *testSite) at(tb testing.TB, username, agent, address string) *browser {
	tb.Helper()
	b := s.stranger(tb, address)
	b.header.Set("User-Agent", agent)
	b.signIn(username, good).want(http.StatusSeeOther)
	s.clock.move(time.Minute)
	return b
}

// rows returns the texts of the list's rows.
func (a *answer) rows(list string) []string {
	return a.find("section[aria-labelledby=" + list + "] li > div").Map(func(_ int, row *goquery.Selection) string {
		row.Find("br").ReplaceWithHtml(" ")
		return strings.Join(strings.Fields(row.Text()), " ")
	})
}

// end returns where the button is sent that ends the device of the name.
func (a *answer) end(device string) string {
	a.t.Helper()
	row := a.find("section[aria-labelledby=devices] li").FilterFunction(func(_ int, row *goquery.Selection) bool {
		return strings.HasPrefix(strings.TrimSpace(row.Text()), device)
	})
	action, ok := row.Find("form").Attr("action")
	if !ok {
		a.t.Fatalf("no button ends %q", device)
	}
	return action
}

func TestDevices(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	began := s.clock.now().UTC()
	s.at(t, "ada", firefox, "192.0.2.1")
	s.at(t, "ada", "<i>", "2001:db8::1")
	s.at(t, "ada", "", "192.0.2.3")
	b := s.at(t, "ada", safari, "192.0.2.2")
	got := b.get("/account").want(http.StatusOK)
	var want []string
	for i, device := range []string{
		"Safari on iOS this one 192.0.2.2", "Unknown browser 192.0.2.3", "<i> 2001:db8::1", "Firefox on Linux 192.0.2.1",
	} {
		at := began.Add(time.Duration(3-i) * time.Minute).Format("2 Jan 2006, 15:04 UTC")
		want = append(want, device+", since "+at+", last seen "+at)
	}
	if rows := got.rows("devices"); strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Errorf("the devices are\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
	for _, sid := range s.texts(t, `SELECT sid FROM sessions`) {
		if strings.Contains(got.body, sid) {
			t.Error("a sid is in the page")
		}
	}
	got.wantPage()
}

// Attack cookie/replay, cookie/one-of-two: one device ends, the others go on.
func TestEndOneDevice(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	lost, here := s.at(t, "ada", firefox, "192.0.2.1"), s.at(t, "ada", safari, "192.0.2.2")
	here.post(here.get("/account").end("Firefox")).want(http.StatusSeeOther, "/account")
	lost.get("/account").want(http.StatusSeeOther)
	got := here.get("/account").want(http.StatusOK)
	if len(got.rows("devices")) != 1 || got.find("form[action$=end-others]").Length() != 0 {
		t.Errorf("the devices are %q, want one and no button for others", got.rows("devices"))
	}
	here.post(got.end("Safari")).want(http.StatusSeeOther, "/account") // itself
	here.get("/account").want(http.StatusSeeOther)
}

// Attack cookie/one-of-two: nobody ends another account's session.
func TestNobodyEndsAnotherAccountsSession(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	victim := s.at(t, "ada", firefox, "192.0.2.1")
	end, b := victim.get("/account").end("Firefox"), s.person(t, "bob")
	before := s.state(t)
	b.post(end).want(http.StatusSeeOther, "/account")
	for _, id := range append(s.texts(t, `SELECT sid FROM sessions`), "none", "%27%20OR%201=1", "%00", strings.Repeat("x", 5000)) {
		b.post("/account/sessions/"+id+"/end").want(http.StatusSeeOther, "/account")
	}
	if s.state(t) != before {
		t.Error("something changed")
	}
	victim.get("/account").want(http.StatusOK)
}

// Attack cookie/replay: all other devices end, of this account alone.
func TestEndOtherDevices(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	a, b, c := s.signedIn(t, "ada"), s.signedIn(t, "ada"), s.signedIn(t, "bob")
	here := s.signedIn(t, "ada")
	here.post("/account/sessions/end-others").want(http.StatusSeeOther, "/account")
	a.get("/account").want(http.StatusSeeOther)
	b.get("/account").want(http.StatusSeeOther)
	c.get("/account").want(http.StatusOK)
	here.get("/account").want(http.StatusOK)
}
