package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/db/dbtest"
)

const (
	manyPeople = 100_000
	manyEvents = 1_000_000
	fillRows   = 10_000 // rows per statement
)

// fill are statements that insert many rows, and how many. Each inserts those with the
// numbers n from ? to ?. Of the people one in 100 is an owner and one in 50 disabled;
// half are in the group office, and seven in the group rare. Of the events most are the
// person's own; the first owner caused one in ten, and one of the kind account.freed in
// 100,000.
var fill = []struct {
	rows int
	sql  string
}{
	{manyPeople, `INSERT INTO accounts (id, username, name, role, password, created_at, disabled_at, waiting_at, group_names, email)
		SELECT 'id-' || n, 'p' || (1000000 + n), 'Ann' || (n % 1000) || ' Bee' || (n % 77), CASE WHEN n % 100 = 0 THEN 'owner' ELSE 'member' END, '', 1,
			CASE WHEN n % 50 = 1 THEN 1 ELSE 0 END, CASE WHEN n % 500 = 1 THEN 1 ELSE 0 END, CASE WHEN n % 2 = 0 THEN 'office' ELSE '' END, 'mail' || n || '@site.example' FROM numbers`},
	{manyPeople, `INSERT INTO account_words (word, username) SELECT 'p' || (1000000 + n), 'p' || (1000000 + n) FROM numbers
		UNION ALL SELECT 'mail' || n || '@site.example', 'p' || (1000000 + n) FROM numbers
		UNION ALL SELECT 'ann' || (n % 1000), 'p' || (1000000 + n) FROM numbers UNION ALL SELECT 'bee' || (n % 77), 'p' || (1000000 + n) FROM numbers`},
	{manyPeople, `INSERT INTO account_groups (group_name, username) SELECT 'office', 'p' || (1000000 + n) FROM numbers WHERE n % 2 = 0
		UNION ALL SELECT 'rare', 'p' || (1000000 + n) FROM numbers WHERE n % 14000 = 9000`},
	{2 * manyPeople, `INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent)
		SELECT 'sid-' || n, 'dev-' || n, 'id-' || (n % 100000), n, n, 0, '', '' FROM numbers`},
	{manyEvents, `INSERT INTO audit (at, event, actor_id, actor, account_id, username, address, agent, detail)
		SELECT {now} - 7776000000000 + n * 7776000, CASE WHEN n % 100000 = 10 THEN 'account.freed' WHEN n % 10 < 6 THEN 'signin.ok' WHEN n % 10 < 9 THEN 'session.ended' ELSE 'account.groups' END,
			CASE WHEN n % 10 = 0 THEN 'id-0' ELSE 'id-' || (n % 99991) END, CASE WHEN n % 10 = 0 THEN 'p1000000' ELSE 'p' || (1000000 + (n % 99991)) END,
			'id-' || (n % 99991), 'p' || (1000000 + (n % 99991)), '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', '' FROM numbers`},
}

// crowded returns a site with that many people and events.
func crowded(b *testing.B, at string) *webtest.Site {
	b.Helper()
	s := webtest.NewAt(b, at)
	onPostgres := strings.HasPrefix(at, "postgres:")
	do := func(q string) { s.Exec(b, q) }
	if onPostgres { // without the time limits of a request
		do = func(q string) { dbtest.Exec(b, at, q) }
	}
	for _, f := range fill {
		for from := 0; from < f.rows; from += fillRows {
			_, rest, _ := strings.Cut(f.sql, "INSERT INTO")
			head, body, _ := strings.Cut(rest, "SELECT")
			numbers := fmt.Sprintf(`WITH RECURSIVE numbers (n) AS (SELECT CAST(%d AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < %d) `, from, from+fillRows-1)
			do(`INSERT INTO` + head + numbers + `SELECT` + strings.ReplaceAll(body, "{now}", fmt.Sprint(time.Now().UnixMicro())))
		}
	}
	if onPostgres { // updates the statistics, as PostgreSQL does by itself after a while
		do(`ANALYZE`)
	}
	s.Add(b, "ada", account.Owner)
	return s
}

// manyPages are the owners' pages that many people and events could slow down.
var manyPages = []struct{ name, path string }{
	{"people: first page", "/people"},
	{"people: last page", "/people?after=p1099930"},
	{"people: search, one", "/people?q=mail77777@"},
	{"people: search, a common word", "/people?q=ann77"},
	{"people: search, everybody", "/people?q=p1"},
	{"people: search, everybody, last page", "/people?q=p1&after=p1099930"},
	{"people: search, nobody", "/people?q=zz"},
	{"people: owners", "/people?role=owner"},
	{"people: members, last page", "/people?role=member&after=p1099930"},
	{"people: a large group", "/people?group=office"},
	{"people: a large group, last page", "/people?group=office&after=p1099930"},
	{"people: a small group", "/people?group=rare"},
	{"people: no such group", "/people?group=none"},
	{"people: active", "/people?state=active"},
	{"people: disabled", "/people?state=disabled"},
	{"people: disabled, last page", "/people?state=disabled&after=p1099000"},
	{"people: waiting", "/people?state=waiting"},
	{"people: all at once", "/people?q=bee7&role=owner&group=office&state=active"},
	{"people: all at once, nobody", "/people?q=p1&role=owner&group=office&state=waiting"},
	{"audit: first page", "/people/audit"},
	{"audit: last page", "/people/audit?after=60"},
	{"audit: a person", "/people/audit?who=p1012345"},
	{"audit: who did much", "/people/audit?who=p1000000"},
	{"audit: nobody", "/people/audit?who=nobody"},
	{"audit: a common kind", "/people/audit?kind=signin.ok"},
	{"audit: a rare kind", "/people/audit?kind=account.freed"},
	{"audit: no such kind", "/people/audit?kind=key.pruned"},
	{"audit: a day", "/people/audit?day=DAY"},
	{"audit: a kind on a day", "/people/audit?kind=account.groups&day=DAY"},
	{"audit: a rare kind on a day", "/people/audit?kind=account.freed&day=DAY"},
	{"audit: a person on a day", "/people/audit?who=p1012345&day=DAY"},
	{"audit: a kind of a person", "/people/audit?who=p1012345&kind=signin.ok"},
	{"audit: a rare kind of who did much", "/people/audit?who=p1000000&kind=key.pruned"},
	{"a person", "/people/p1012345"},
	{"who did much", "/people/p1000000"},
}

// BenchmarkManyPeople measures the owners' pages with 100,000 accounts and 1,000,000
// events, through the whole site, on both engines: the median and the slowest of 20
// responses, in milliseconds.
func BenchmarkManyPeople(b *testing.B) {
	engines := []struct {
		name string
		at   func() string
	}{
		{"sqlite", func() string { return filepath.Join(b.TempDir(), "many.db") }},
		{"postgres", func() string { return dbtest.Need(b).New(b) }},
	}
	took := map[string][]string{}
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			if b.N > 1 {
				return
			}
			s := crowded(b, e.at())
			owner := s.SignedIn(b, "ada")
			day := time.Now().AddDate(0, 0, -40).Format(time.DateOnly)
			for _, p := range manyPages {
				request := owner.Request(http.MethodGet, strings.ReplaceAll(p.path, "DAY", day), "", "Cookie", owner.Cookies())
				request.Body, request.RemoteAddr = http.NoBody, "127.0.0.1:4711"
				median, most := timed(b, s, request)
				took[p.name] = append(took[p.name], fmt.Sprintf("%.1f\t%.1f", ms(median), ms(most)))
				b.ReportMetric(ms(median), url.QueryEscape(p.name)+"-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
	var table strings.Builder
	lines := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(lines, "\tsqlite\tmost\tpostgres\tmost\t")
	for _, p := range manyPages {
		fmt.Fprintf(lines, "%s\t%s\t\n", p.name, strings.Join(took[p.name], "\t"))
	}
	_ = lines.Flush()
	fmt.Printf("\n%s\nms a page, of 20\n\n", table.String())
}

// timed returns the median and the longest time of 20 responses, after a first one.
func timed(b *testing.B, s *webtest.Site, request *http.Request) (median, most time.Duration) {
	b.Helper()
	all := make([]time.Duration, 0, 20)
	for range cap(all) + 1 {
		answer, again, began := &sink{header: http.Header{}}, *request, time.Now()
		s.Handler.ServeHTTP(answer, &again)
		if answer.status != http.StatusOK {
			b.Fatalf("%s: got status %d", request.URL, answer.status)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all[1:])
	return all[1:][10], slices.Max(all[1:])
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
