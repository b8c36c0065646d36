package forward_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/app"
)

// refusal is the gate's response to a question about the target.
type refusal struct {
	name, args, target string
	header             []string
	status             int
	title, says, guard string   // on the page
	ways               []string // links to continue: text and URL of each
}

// refusals returns the gate's refusals: of ada at an app for other groups, with this
// Cookie header at webtest.Elsewhere and with this app password, and of what the gate
// cannot answer.
func refusals(cookie, secret string) []refusal {
	const unreadable = "The gate cannot read what the proxy asked"
	return []refusal{
		{
			"in none of the groups", "?group=dev", webtest.Elsewhere + "/a?b",
			[]string{"Cookie", cookie},
			403, "Not for ada",
			"You are signed in as ada, who is in none of the groups that may open wiki.example:8443.", "glassjar guards wiki.example:8443",
			[]string{"To your apps", webtest.Jar + "/", "Sign in as another", webtest.Jar + "/auth?other=1&next=https%3A%2F%2Fwiki.example%3A8443%2Fa%3Fb"},
		},
		{
			"a wrong app password", "", webtest.Elsewhere + "/",
			[]string{"Cookie", cookie, "Authorization", "Bearer gj_x"},
			401, "This app password is not right",
			"The app password is wrong, revoked, expired or not for this host.", "glassjar guards wiki.example:8443",
			[]string{"Your app passwords", webtest.Jar + "/account/app-passwords"},
		},
		{
			"an app password where none passes", "", "https://dev.site.example/",
			[]string{"Authorization", "Bearer " + secret},
			403, "No app passwords here",
			"This app takes no app passwords.", "glassjar guards dev.site.example", nil,
		},
		{
			"an app password where a second factor is asked for", "?level=2", webtest.Elsewhere + "/",
			[]string{"Authorization", "Bearer " + secret},
			403, "Not for programs",
			"This opens only to people who signed in with a second factor.", "glassjar guards wiki.example:8443", nil,
		},
		{"a host that nobody listed", "", "https://other.example/", []string{"Cookie", cookie}, 403, "Host not listed", "The gate does not answer for this host.", "", nil},
		{
			"over http where people sign in over https", "", "http://dev.site.example/",
			[]string{"Cookie", cookie},
			403, "Open it over https", "The gate lets nobody pass over http", "glassjar guards dev.site.example", nil,
		},
		{
			"another port than the listed one", "", "https://port.example/",
			[]string{"Cookie", cookie},
			403, "Another port", "The gate answers for this host on another port only.", "glassjar guards port.example", nil,
		},
		{"a question with markup", "", "https://<b>/", nil, 400, "Bad request", unreadable, "", nil},
		{"a second header", "", webtest.Elsewhere + "/", []string{"Remote_User", "ada"}, 400, "Bad request", unreadable, "", nil},
	}
}

// Attack gate/pages: a browser that opens a page gets a page that needs no other file,
// which only the app could serve; everything else gets JSON.
func TestGatePages(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	secret := w.AppPassword(t, "ada", account.AppPassword{Name: "git"})
	w.NewApp(t, app.App{Name: "Dev", Host: "dev.site.example", Groups: []string{"dev"}})
	w.NewApp(t, app.App{Name: "Port", Host: "port.example:8443"})
	for _, row := range refusals(cookie, secret) {
		t.Run(row.name, func(t *testing.T) {
			for _, path := range []string{"/gate/check", "/gate/forward"} {
				header := webtest.Asked(row.target, row.header...)
				w.Exec(t, `DELETE FROM throttle`)
				for _, opens := range [][]string{{"Sec-Fetch-Mode", "navigate"}, {"Accept", "text/html,*/*;q=0.8"}} {
					row.wantPage(t, w.Ask(t, path+row.args, append(opens, header...)))
				}
				for _, program := range [][]string{{"Accept", "*/*"}, {"Sec-Fetch-Mode", "cors", "Accept", "text/html"}, {"X-Requested-With", "XMLHttpRequest", "Accept", "text/html"}} {
					row.wantJSON(t, w.Ask(t, path+row.args, append(program, header...)))
				}
			}
		})
	}
	w.Apps.Rules.Forget()
	now := w.Ask(t, "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Accept", "text/html"))
	now.Want(http.StatusServiceUnavailable).WantHeader("Retry-After", "5").Says("h1", "Not now").WantGatePage()
}

// wantPage fails the test unless the response is the refusal's page.
func (row refusal) wantPage(t *testing.T, got *webtest.Answer) {
	t.Helper()
	got.Want(row.status).Says("h1", row.title).Says("small", row.guard).WantGatePage()
	if text := got.Find("main").Text(); !strings.Contains(text, row.says) {
		t.Errorf("the page says %s", text)
	}
	links := got.Find("a")
	if links.Length() != len(row.ways)/2 {
		t.Errorf("it has %d links", links.Length())
	}
	for i := range links.Length() {
		if one := links.Eq(i); one.Text() != row.ways[2*i] || one.AttrOr("href", "") != row.ways[2*i+1] {
			t.Errorf("it leads with %s to %s", one.Text(), one.AttrOr("href", ""))
		}
	}
}

// wantJSON fails the test unless the response is the refusal as JSON.
func (row refusal) wantJSON(t *testing.T, got *webtest.Answer) {
	t.Helper()
	got.Want(row.status).WantHeader("Content-Type", "application/json")
	var says struct{ Error string }
	if err := json.Unmarshal([]byte(got.Body), &says); err != nil || !strings.HasPrefix(says.Error, row.says) {
		t.Errorf("a program is told %s, %v", got.Body, err)
	}
}

// nginx's second request for a refusal's page is not counted again. A client cannot claim
// to be that through another proxy, because that uses another kind of question.
func TestGateCountsARefusalOnce(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for i, row := range []struct {
		path, status string
		counted      bool
	}{
		{"/gate/check", "", true},
		{"/gate/check", "403", false},
		{"/gate/check", "200", true},
		{"/gate/forward", "403", true},
	} {
		before := counted(w)
		w.Ask(t, row.path+"?group=dev", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "X-Original-Status", row.status)).Want(http.StatusForbidden)
		if got := counted(w) - before; got != 1 && row.counted || got != 0 && !row.counted {
			t.Errorf("row %d: counted %d times", i, got)
		}
	}
}

// counted returns how many refusals the gate has counted.
func counted(w *webtest.World) (n int) {
	for _, rule := range w.Settings.Gate.Listed() {
		for _, one := range rule.Tally.Refused(w.Clock.Now()) {
			n += one.N
		}
	}
	return n
}
