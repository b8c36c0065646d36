package process

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"glassjar/handlers"
	"glassjar/utl/proxytest"
)

// scrape returns the metrics at the address as text.
func scrape(t *testing.T, at string) string {
	t.Helper()
	a, err := newBrowser(nil).send(request(t, "http://"+at+"/metrics"))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("got %d, error %v", a.status, err)
	}
	return a.body
}

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// counted are metrics of a server after visitors.
var counted = []string{
	`glassjar_sign_ins_total{result="ok"} 1`,
	`glassjar_sign_ins_total{result="failed"} 1`,
	`glassjar_http_request_duration_seconds_count{code="2xx",route="GET /logout"} 7`,
	`glassjar_hash_wait_seconds_count 2`,
	`glassjar_sessions_cached 1`,
	`glassjar_mail_queue 0`,
	`glassjar_db_errors_total 0`,
	`glassjar_log_lines_dropped_total 0`,
}

// visitors makes the requests that counted counts, with invented words wherever a visitor
// can send them.
func visitors(t *testing.T, p *program) {
	t.Helper()
	ada := signedIn(t, p, "ada")
	for range 7 {
		ada.get(t, "/logout", http.StatusOK)
	}
	newBrowser(p).signIn(t, "ada", other, http.StatusUnprocessableEntity)
	for range 50 {
		newBrowser(p).get(t, fmt.Sprintf("/made-up-%d?%d", rand.N(1_000_000), rand.N(1_000_000)), http.StatusNotFound)
	}
	for path, want := range map[string]int{ // paths that match a pattern
		"/join/made-up": http.StatusGone, "/reset/made-up": http.StatusGone, "/people/made-up": http.StatusSeeOther, "/static/made-up": http.StatusNotFound,
	} {
		newBrowser(p).get(t, path, want)
	}
	for _, method := range []string{"GET", "BREW", "PROPFIND", "OPTIONS"} {
		dial(t, p).send(method + " /" + method + " HTTP/1.1\r\n" + here + "User-Agent: made-up\r\n\r\n")
	}
}

// The metrics of a running server are correct, and no visitor can create a label's value.
func TestMetrics(t *testing.T) {
	t.Parallel()
	at := proxytest.Free(t)
	p := start(t, t.TempDir(), "METRICS_ADDR="+at) // with LOG_LEVEL=warn, at which sign-ins are not logged
	p.owner("ada")
	visitors(t, p)
	var text string
	p.eventually("all is counted", func() bool {
		text = scrape(t, at)
		return strings.Contains(text, `glassjar_http_request_duration_seconds_count{code="4xx",route="none"} 5`)
	})
	for _, want := range counted {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("%s is not shown", want)
		}
	}
	boundedLabels(t, text)
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promtool's linter says %v, error %v", problems, err)
	}
	if strings.Contains(text, "made-up") || strings.Contains(text, `"ada"`) || strings.Contains(text, "BREW") {
		t.Error("a visitor's words are shown")
	}
	for path, want := range map[string]int{"/metrics": http.StatusNotFound, "/debug/pprof/": http.StatusNotFound} {
		newBrowser(p).get(t, path, want) // not on the site itself
	}
	if a, err := newBrowser(p).send(request(t, "http://"+at+"/debug/pprof/heap")); err != nil || a.status != http.StatusNotFound {
		t.Errorf("profiles are shown: %d, %v", a.status, err)
	}
	named(t, text)
	p.stop()
}

// boundedLabels fails the test if a label, or a route, is not one of those listed here.
// Whoever adds one must make sure that visitors cannot create its values.
func boundedLabels(t *testing.T, text string) {
	t.Helper()
	routes := map[string]bool{"none": true, "/.well-known/change-password": true}
	for _, pattern := range handlers.Routes(handlers.Config{}) {
		routes[pattern] = true
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				value, good := l.GetValue(), false
				switch l.GetName() {
				case "route":
					good = routes[value] || strings.Contains(value, " /lab") || strings.Contains(value, " /pages")
				case "code":
					good = len(value) == 3 && strings.HasSuffix(value, "xx")
				case "result", "reason":
					good = slices.Contains([]string{"ok", "failed", "throttled", "waiting"}, value)
				case "version", "revision", "goversion":
					good = !strings.Contains(name, "request") // labels of the build
				}
				if !good {
					t.Errorf("%s has the label %s=%q", name, l.GetName(), value)
				}
			}
		}
	}
}

// named fails the test if the dashboard or an alert uses a metric that is not exported.
func named(t *testing.T, text string) {
	t.Helper()
	dashboard, err := os.ReadFile("../metrics/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile("../metrics/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(alerts, &rules); err != nil || len(rules.Groups) != 1 || len(rules.Groups[0].Rules) != 5 {
		t.Errorf("got %+v, error %v; want five alerts", rules, err)
	}
	if !json.Valid(dashboard) {
		t.Error("the dashboard is no JSON")
	}
	asked := map[string]bool{}
	for _, name := range regexp.MustCompile(`(glassjar|process)_[a-z_]+`).FindAllString(string(bytes.Join([][]byte{dashboard, alerts}, nil)), -1) {
		asked[name] = true
	}
	for name := range asked {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("%s is asked for and not shown", name)
		}
	}
}
