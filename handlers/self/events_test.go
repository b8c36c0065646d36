package self_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/web"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// table returns the texts of the rows of the page's table.
func table(a *webtest.Answer) []string {
	return a.Find("tbody tr").Map(func(_ int, row *goquery.Selection) string {
		return strings.Join(row.Children().Map(func(_ int, cell *goquery.Selection) string { return cell.Text() }), " | ")
	})
}

func TestEvents(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	s.Clock.Move(time.Second)
	at(t, s, "bob", webtest.Firefox, "192.0.2.1")
	b := at(t, s, "ada", webtest.Firefox, "192.0.2.2")
	rows := rowsOf(b.Get("/account"), "events")
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "Signed in") || !strings.HasPrefix(rows[1], "The account was made: owner") {
		t.Fatalf("the events are %q, want the sign-in and the account", rows)
	}
	if !strings.HasSuffix(rows[0], "1 minute ago, Firefox on Linux, 192.0.2.2") || !strings.HasSuffix(rows[1], "by a command on the server") {
		t.Errorf("the events are %q, want where each came from", rows)
	}
	for range 30 {
		s.Record(t, "ada", "password.changed")
	}
	got := b.Get("/account")
	if rows = rowsOf(got, "events"); len(rows) != 5 || !strings.HasPrefix(rows[0], "The password was changed") {
		t.Errorf("%d events, the first %q; want the last 5", len(rows), rows[0])
	}
	if got.Find("a[href='/account/events']").Length() != 1 {
		t.Error("nothing leads to all events")
	}
}

// However many attempts strangers make, they displace no event, and are shown separately.
func TestStrangersPushNoEventOff(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	at(t, s, "ada", webtest.Firefox, "198.51.100.9") // the thief's browser
	b := at(t, s, "ada", webtest.Firefox, "192.0.2.2")
	refused := func(want string) {
		t.Helper()
		got := b.Get("/account")
		got.Says("#refused", want)
		if rows := rowsOf(got, "events"); len(rows) != 3 || !strings.HasSuffix(rows[1], "198.51.100.9") {
			t.Errorf("the events are %q, want the thief's sign-in second", rows)
		}
	}
	refused("No try was refused in the last 24 hours.")
	s.Stranger(t, "192.0.2.3").Fail(1, "ada")
	refused("1 try was refused in the last 24 hours, the last just now, Go-http-client, 192.0.2.3.")
	for _, kind := range []string{"signin.throttled", "apppassword.failed", "signin.failed"} {
		tries(t, s, "ada", kind, 7)
	}
	refused("22 tries were refused in the last 24 hours, the last just now, Firefox on Linux, 203.0.113.5.")
	tries(t, s, "ada", "signin.failed", 300)
	refused("200 tries or more were refused in the last 24 hours, the last just now, Firefox on Linux, 203.0.113.5.")
	s.Clock.Move(12 * time.Hour)
	b.Get("/account").Want(http.StatusOK) // the session is still live
	s.Clock.Move(12*time.Hour - time.Second)
	refused("200 tries or more were refused in the last 24 hours, the last 23 hours ago, Firefox on Linux, 203.0.113.5.")
	s.Clock.Move(time.Second)
	refused("No try was refused in the last 24 hours.")
}

// tries records n refused attempts of this kind on the account.
func tries(t *testing.T, s *webtest.Site, username, kind string, n int) {
	t.Helper()
	found, err := s.Accounts.Find(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		for range n {
			if err := s.Accounts.RecordAttempt(t.Context(), tx, kind, found, audit.Actor{Address: "203.0.113.5", Agent: webtest.Firefox}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Page by page, each event of the person's own is shown once, also refused attempts.
func TestAllEvents(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	at(t, s, "bob", webtest.Firefox, "192.0.2.1")
	b := at(t, s, "ada", webtest.Firefox, "192.0.2.2")
	for range 60 {
		s.Record(t, "ada", "password.changed")
		tries(t, s, "ada", "signin.failed", 1)
	}
	var rows []string
	var sizes []int
	for path := "/account/events"; path != ""; {
		got := b.Get(path).Want(http.StatusOK)
		got.WantPage()
		page := table(got)
		rows, sizes = append(rows, page...), append(sizes, len(page))
		if newest := got.Find("nav.paging a[href='/account/events']").Length(); newest != min(len(sizes)-1, 1) {
			t.Errorf("%s has %d links to the newest", path, newest)
		}
		path = got.Find("nav.paging a[href*=before]").AttrOr("href", "")
	}
	if fmt.Sprint(sizes) != "[50 50 22]" {
		t.Errorf("the pages have %v rows, want 50, 50 and 22", sizes)
	}
	stamp := s.Clock.Now().UTC().Format("2 Jan 2006, 15:04:05 UTC")
	for i, want := range map[int]string{
		0: "A sign-in failed | just now " + stamp + " | Firefox on Linux, 203.0.113.5", 1: "The password was changed | just now " + stamp + " | by a command on the server",
	} {
		if rows[i] != want {
			t.Errorf("row %d is %q, want %q", i, rows[i], want)
		}
	}
	if text := strings.Join(rows, "\n"); strings.Contains(text, "192.0.2.1") || strings.Count(text, "The account was made") != 1 {
		t.Error("bob's events are on ada's pages, or hers come twice")
	}
	time0, err := time.Parse(time.RFC3339, b.Get("/account/events").Find("time").First().AttrOr("datetime", ""))
	if err != nil || !time0.Equal(s.Clock.Now().Truncate(time.Second)) {
		t.Errorf("the first time is %v, error %v; want %v", time0, err, s.Clock.Now())
	}
}

func TestPagesOfEventsThatAreNone(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	for _, arg := range []string{"x", "", "9223372036854775808", "1.0", "%00"} {
		b.Get("/account/events?before=" + arg).Want(http.StatusBadRequest).WantPage()
	}
	b.Get("/account/events?before=2&before=1").Want(http.StatusBadRequest)
	for _, arg := range []string{"0", "-1", "1", "-9223372036854775808"} {
		b.Get("/account/events?before="+arg).Want(http.StatusOK).Says(".none", "Nothing older is kept.").WantPage()
	}
	s.Exec(t, `DELETE FROM audit`)
	const none = "Nothing is kept any more of what happened to your account."
	b.Get("/account/events").Want(http.StatusOK).Says(".none", none).WantPage()
	b.Get("/account").Want(http.StatusOK).Says(".none", none).WantPage()
}

// Every kind of event that the code records has a text. In packages that import utl/audit, a
// string of the form word.word is assumed to be a kind.
func TestEveryKindOfEventHasWords(t *testing.T) {
	none := []string{
		"audit.csv", "favicon.ico", "robots.txt", "index.html", "vcs.revision", // not kinds of events
		"apppassword.throttled", "signin.waiting", "signin.pending", "signup.refused", // only in the log
	}
	kind := regexp.MustCompile(`^[a-z]+\.[a-z]+$`)
	texts, audits := map[string][]string{}, map[string]bool{} // by directory
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		dir := filepath.Dir(path)
		for n := range ast.Preorder(file) {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text := strings.Trim(lit.Value, "\"`")
				audits[dir] = audits[dir] || text == "glassjar/utl/audit" || dir == "../../utl/audit"
				texts[dir] = append(texts[dir], text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	for dir := range audits {
		for _, text := range texts[dir] {
			if !audits[dir] || !kind.MatchString(text) || slices.Contains(none, text) {
				continue
			}
			kinds++
			if web.EventLabels[text] == "" {
				t.Errorf("the event %s of %s has no text in EventLabels (handlers/web/events.go)", text, dir)
			}
		}
	}
	if kinds < 20 {
		t.Errorf("the scan found %d kinds alone", kinds)
	}
}
