package handlers_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
)

// Attack secrets/canaries: whatever is typed into any field of any form, such as a
// password into the wrong one, is not logged, also not at debug, and is in the audit log
// only once something has that name. The forms are taken from the pages themselves.
func TestNoFieldIsInTheLog(t *testing.T) {
	if testing.Short() {
		t.Skip("each field of each form is filled in without -short")
	}
	log := &webtest.SafeBuffer{}
	s := webtest.New(t, logging(log, slog.LevelDebug, false), webtest.WithGate, webtest.WithLab, webtest.WithPasskeys, webtest.WithSignUp)
	s.WithMail(t)
	s.Add(t, "founder", account.Owner)
	f := &filler{Site: s, sent: map[string]bool{}}
	routes := handlers.Routes(s.Settings)
	for _, route := range routes {
		if path, ok := strings.CutPrefix(route, "GET "); ok && !strings.HasPrefix(path, "/static/") {
			f.page(t, path)
		}
	}
	for _, route := range routes {
		path, ok := strings.CutPrefix(route, "POST ")
		pattern := regexp.MustCompile("^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "[^/]+") + "$")
		if ok && !slices.ContainsFunc(f.canaries, func(c canary) bool { return pattern.MatchString(c.action) }) {
			t.Errorf("no form of any page is sent to %s", path)
		}
	}
	audited := strings.Join(s.Texts(t, `SELECT event || ' ' || actor || ' ' || username || ' ' || detail || ' ' || agent FROM audit`), "\n")
	names := s.Texts(t, `SELECT username FROM accounts UNION SELECT name FROM accounts UNION SELECT group_names FROM accounts UNION SELECT email FROM accounts UNION SELECT name FROM app_passwords UNION SELECT name FROM passkeys UNION SELECT name FROM apps UNION SELECT host FROM apps UNION SELECT upstream FROM apps UNION SELECT url FROM apps UNION SELECT group_names FROM apps`)
	for _, c := range f.canaries {
		named := slices.Contains(names, c.text)
		if lines := log.Lines(c.text); len(lines) > 0 && !named {
			t.Errorf("%s of %s is in the log: %q", c.field, c.action, lines)
		}
		if strings.Contains(audited, c.text) && !named {
			t.Errorf("%s of %s is in the audit log", c.field, c.action)
		}
	}
	if len(f.canaries) < 30 || len(names) < 3 {
		t.Errorf("%d fields were filled, and the names are %q", len(f.canaries), names)
	}
}

// canary is a text that was sent in a field of the form with the action.
type canary struct{ text, field, action string }

// filler fills in the fields of forms, one at a time.
type filler struct {
	*webtest.Site

	sent     map[string]bool // fields that were filled in, by action
	canaries []canary

	// The current visit to a page.
	pattern  string           // of the page's route
	signedIn bool             // whether the visitor is signed in
	state    string           // the state of the account that the page is about
	n        int              // number of the visit
	me       string           // username of the visitor
	b        *webtest.Browser // browser of the visitor
}

// page fills in every field of every form of the page, for strangers and for people who
// are signed in.
func (f *filler) page(t *testing.T, pattern string) {
	t.Helper()
	f.pattern = pattern
	for _, f.signedIn = range []bool{false, true} {
		for _, f.state = range []string{account.Active, account.Disabled, account.Waiting} {
			for f.next(t) {
			}
		}
	}
}

// next opens the page again, fills in a field that was not filled in yet, and reports
// whether there was one. Each time it is another person, an hour later, so that no limit
// is reached.
func (f *filler) next(t *testing.T) bool {
	t.Helper()
	f.Clock.Move(time.Hour)
	f.visitor(t)
	found := false
	f.open(t).Find("form").EachWithBreak(func(_ int, form *goquery.Selection) bool {
		names := form.Find("[name]").Map(func(_ int, field *goquery.Selection) string { return field.AttrOr("name", "") })
		for _, name := range append(names, "unknown") {
			if found = f.fill(form, name); found {
				return false
			}
		}
		return true
	})
	return found
}

// visitor creates the next visitor's account, with one of everything, and browser.
func (f *filler) visitor(t *testing.T) {
	t.Helper()
	f.n++
	f.me, f.b = fmt.Sprint("person", f.n), f.Browser(t)
	role := account.Member
	if strings.HasPrefix(f.pattern, "/people") || strings.HasPrefix(f.pattern, "/apps") {
		role = account.Owner
	}
	f.Add(t, f.me, role)
	if f.signedIn {
		f.SignedIn(t, f.me).AddPasskey(f.Device(), "backup")
		f.Person(t, f.me) // a session in another browser
		f.AppPassword(t, f.me, account.AppPassword{Name: "backup"})
		f.b = f.Person(t, f.me)
	}
	if f.pattern == "/auth/code" { // with a pending sign-in
		f.AddApp(t, f.me)
		f.b = f.Browser(t)
		f.b.SignIn(f.me, webtest.Good).Want(http.StatusSeeOther, f.pattern)
	}
}

// more reports whether signed-in people visit the page a second time, when it shows more.
func (f *filler) more() bool { return f.signedIn && f.state == account.Disabled }

// open opens the page.
func (f *filler) open(t *testing.T) *webtest.Answer {
	t.Helper()
	path := f.path(t)
	if f.more() {
		switch f.pattern {
		case "/account":
			f.b.Post("/account/recovery").Want(http.StatusOK)
		case "/account/code":
			f.b.AddApp(f.Site)
		}
	}
	page := f.b.Get(path)
	if f.pattern == "/account/recovery" && f.more() {
		page = f.b.Post(path).Want(http.StatusOK)
	}
	return page
}

// path returns a path that the page's pattern matches, of something that exists.
func (f *filler) path(t *testing.T) string {
	t.Helper()
	switch p := f.pattern; {
	case strings.HasPrefix(p, "/join/"):
		return f.Link(t, account.Member)
	case strings.HasPrefix(p, "/reset/"):
		return f.Link(t, f.me)
	case strings.HasPrefix(p, "/confirm/"):
		if err := f.Accounts.SetEmail(t.Context(), f.me, f.me+"@site.example", false, audit.Command()); err != nil {
			t.Fatal(err)
		}
		return f.MailedLink(t, mail.Confirm, f.me)
	case strings.HasPrefix(p, "/signup/"):
		link := f.SignUpLink(t, f.me+"-new")
		f.Add(t, f.me+"-new", account.Member) // the form then asks for another username
		return link
	case strings.HasPrefix(p, "/lock/"):
		return f.MailedLink(t, mail.NewBrowser, f.me)
	case strings.HasPrefix(p, "/people/{"):
		other := fmt.Sprint("other", f.n)
		f.person(t, other)
		return strings.Replace(p, "{username}", other, 1)
	case p == "/account/passkeys" && f.more(): // the form that renames one
		all := f.Texts(t, `SELECT id FROM passkeys ORDER BY created_at`)
		return p + "?rename=" + all[len(all)-1]
	case strings.HasPrefix(p, "/apps/{"):
		host := fmt.Sprint("app-", f.n, ".example")
		return "/apps/" + f.NewApp(t, app.App{Name: "Wiki", Host: host, URL: "http://" + host + "/"}).ID
	case p == "/people":
		f.Link(t, account.Member) // an invitation to withdraw
	}
	path, _, _ := strings.Cut(f.pattern, "{")
	return path
}

// person creates an account in the state f.state.
func (f *filler) person(t *testing.T, username string) {
	t.Helper()
	if f.state == account.Waiting {
		f.Asks(t, username)
		return
	}
	f.Add(t, username, account.Member)
	f.SignedIn(t, username).AddPasskey(f.Device(), "backup")
	if f.state == account.Disabled {
		f.Lock(t, username)
		f.Disable(t, username)
	}
}

// fill sends the form with a canary in the field, and valid values in all others, unless
// the field was filled in before.
func (f *filler) fill(form *goquery.Selection, name string) bool {
	method, action := strings.ToUpper(form.AttrOr("method", "")), form.AttrOr("action", "")
	c := canary{fmt.Sprintf("canary-%04d-in-a-jar", len(f.canaries)), name, action}
	values := url.Values{}
	form.Find("[name]").Each(func(_ int, field *goquery.Selection) {
		name := field.AttrOr("name", "")
		right := map[string]string{"current": webtest.Good, "password": webtest.Good, "username": f.me, "name": "backup", "confirm": f.me}[name]
		values.Set(name, cmp.Or(field.AttrOr("value", ""), right))
	})
	if values.Has("current") && values.Has("password") {
		values.Set("password", webtest.Other)
	}
	key := method + " " + oneAction.ReplaceAllString(action, "") + " " + name
	if values.Set(name, c.text); f.sent[key] {
		return false
	}
	f.sent[key], f.canaries = true, append(f.canaries, c)
	if method == http.MethodPost {
		f.b.Send(action, values.Encode())
	} else {
		f.b.Get(action + "?" + values.Encode())
	}
	return true
}

// oneAction matches the part of an action that identifies one link, session or app password.
var oneAction = regexp.MustCompile(`[0-9A-Za-z_-]{16,}|other[0-9]+`)
