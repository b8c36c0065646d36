package handlers_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/gate"
)

// statuses are the gate's status for each outcome.
var statuses = map[gate.Outcome]int{
	gate.Unreadable: http.StatusBadRequest, gate.Unlisted: http.StatusForbidden, gate.OverHTTP: http.StatusForbidden, gate.OtherPort: http.StatusForbidden, gate.SignedOut: http.StatusUnauthorized,
	gate.WrongGroup: http.StatusForbidden, gate.LowLevel: http.StatusUnauthorized, gate.Pass: http.StatusOK,
}

// The explanation agrees with the gate's response, for random questions of people in
// random groups about hosts with and without apps: 100,000, or 10,000 with -short.
func TestExplainAgreesWithTheGate(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	for i, host := range []string{"wiki.example", "app.site.example", "*.apps.example", "one.apps.example", "port.example:8443"} {
		groups := [][]string{{"dev"}, nil, {"dev", "ops"}, {"ops"}, nil}[i]
		w.NewApp(t, app.App{Name: host, Host: host, Groups: groups, Level: 1 + i%2})
	}
	hosts := []string{"wiki.example", "app.site.example", "x.apps.example", "one.apps.example", "port.example", "port.example:8443", "other.site.example", "stranger.example", "jar.site.example", "Wiki.Example.:443", "bad host", ""}
	sheets := make([]subjectOf, 6)
	for i := range sheets {
		sheets[i] = newSubject(t, w, i)
	}
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- for questions, not for secrets
	seen := map[gate.Outcome]int{}
	questions := 100_000
	if testing.Short() {
		questions = 10_000
	}
	for range questions {
		one, host := sheets[random.IntN(len(sheets))], hosts[random.IntN(len(hosts))]
		raw := []string{"https", "https", "https", "http", "ftp"}[random.IntN(5)] + "://" + host + []string{"/", "/a?b=c", "", "/%zz", "/a b", "//x", "/#a"}[random.IntN(7)]
		method := []string{"GET", "POST", "HEAD", "get", "PROPFIND", ""}[random.IntN(6)]
		var p gate.Subject
		if cookie := one.cookies[strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(host, ":443"), "."))]; cookie != "" {
			p = one.Subject
		}
		q, v := w.Settings.Gate.DecideAs(raw, method, 0, p)
		seen[v.Outcome]++
		status := answers(w, raw, method, one.all)
		if want, ok := statuses[v.Outcome]; !ok || status != want {
			t.Fatalf("%s %q as %q: it is explained as %d (%v), and the gate answers %d", method, raw, p.Username, want, gate.Explain(q, v), status)
		}
	}
	if len(seen) != len(statuses) {
		t.Errorf("of the outcomes only %v were seen", seen)
	}
}

// answers returns the status of the gate's response to the question.
func answers(w *webtest.World, raw, method, cookies string) int {
	r, _ := http.NewRequest(http.MethodGet, webtest.Jar+"/gate/check", http.NoBody)
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header = http.Header{"X-Original-Url": {raw}, "X-Original-Method": {method}, "Cookie": {cookies}}
	answer := &sink{header: http.Header{}}
	w.Handler.ServeHTTP(answer, r)
	return answer.status
}

// subjectOf is a person with a cookie for every host where they may have one.
type subjectOf struct {
	gate.Subject

	cookies map[string]string
	all     string
}

func newSubject(t *testing.T, w *webtest.World, i int) subjectOf {
	t.Helper()
	one := subjectOf{cookies: map[string]string{}}
	if i == 0 {
		return one // signed out
	}
	name := fmt.Sprint("person-", i)
	w.Add(t, name, account.Member)
	if err := w.Accounts.SetGroups(t.Context(), name, [][]string{nil, {"dev"}, {"ops"}, {"dev", "ops"}, {"other"}}[i-1], audit.Command()); err != nil {
		t.Fatal(err)
	}
	b := w.SignedIn(t, name)
	var cookies []string
	own := "__Host-glassjar"
	one.cookies["jar.site.example"] = b.Holds(webtest.Jar, own)
	cookies = append(cookies, own+"="+one.cookies["jar.site.example"])
	for _, host := range []string{"wiki.example", "app.site.example", "x.apps.example", "one.apps.example", "port.example:8443", "other.site.example"} {
		b.Visit("https://"+host+"/", 5)
		name, _, _ := strings.Cut(host, ":")
		one.cookies[name] = b.Holds("https://"+host, webtest.HostCookie)
		one.cookies[host] = one.cookies[name]
		cookies = append(cookies, webtest.HostCookie+"="+one.cookies[name])
	}
	one.all = strings.Join(cookies, "; ")
	level := 1 + i%2
	w.Exec(t, `UPDATE sessions SET level = ? WHERE account_id = (SELECT id FROM accounts WHERE username = ?)`, level, name)
	for _, sid := range w.Texts(t, `SELECT sid FROM sessions`) {
		w.Sessions.Invalidate(sid)
	}
	found, err := w.Accounts.Find(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	one.Identity, one.How.Level = found.Identity, level
	return one
}
