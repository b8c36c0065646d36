package metrics_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"glassjar/utl/metrics"
)

func started() (m *metrics.Metrics, forward func(time.Duration)) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return metrics.New(metrics.Build{Version: "v1", Revision: "abc", Go: "go1"}, func() time.Time { return now }),
		func(d time.Duration) { now = now.Add(d) }
}

// has fails the test unless all lines are exported.
func has(t *testing.T, m *metrics.Metrics, lines ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:9464/metrics", nil))
	for _, line := range lines {
		if !strings.Contains("\n"+w.Body.String(), "\n"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, w.Body)
		}
	}
}

// Names, units and help texts follow Prometheus's conventions.
func TestNames(t *testing.T) {
	m, _ := started()
	m.Request("GET /{$}", 200, time.Millisecond)
	m.Gauge("glassjar_hash_queue", "Passwords that wait to be hashed.", func() float64 { return 1 })
	m.Counter("glassjar_db_errors_total", "Uses of the database that failed.", func() float64 { return 1 })
	problems, err := testutil.GatherAndLint(m.Registry())
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v, error %v", problems, err)
	}
}

func TestCounts(t *testing.T) {
	m, forward := started()
	for range 3 {
		m.Request("GET /account", http.StatusSeeOther, 3*time.Millisecond)
	}
	m.Request("GET /account", http.StatusOK, time.Minute)
	over := m.Wait()
	forward(2 * time.Second)
	over()
	log := slog.New(m.Events(slog.DiscardHandler)) // keeps none of these lines
	log.Info("signed in", "event", "signin.ok", "ip", "192.0.2.1")
	log.With("a", 1).Warn("sign-in failed", "event", "signin.failed")
	log.WithGroup("g").Warn("app password failed", "event", "apppassword.failed")
	log.Info("made up", "event", "made.up")
	log.Debug("signed in", "event", "signin.ok")
	has(t, m,
		`glassjar_http_request_duration_seconds_count{code="3xx",route="GET /account"} 3`,
		`glassjar_http_request_duration_seconds_bucket{code="3xx",route="GET /account",le="0.002"} 0`,
		`glassjar_http_request_duration_seconds_bucket{code="3xx",route="GET /account",le="0.01"} 3`,
		`glassjar_http_request_duration_seconds_count{code="2xx",route="GET /account"} 1`,
		`glassjar_hash_wait_seconds_bucket{le="1"} 0`,
		`glassjar_hash_wait_seconds_bucket{le="5"} 1`,
		`glassjar_sign_ins_total{result="ok"} 1`,
		`glassjar_sign_ins_total{result="failed"} 1`,
		`glassjar_sign_ins_total{result="throttled"} 0`,
		`glassjar_app_passwords_refused_total{reason="failed"} 1`,
		`glassjar_build_info{goversion="go1",revision="abc",version="v1"} 1`,
	)
}

// Records that the log keeps are passed on unchanged.
func TestEventsPassOn(t *testing.T) {
	m, _ := started()
	var direct, through strings.Builder
	options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	write := func(h slog.Handler) {
		log := slog.New(h).With("a", 1).WithGroup("g")
		log.Info("signed in", "event", "signin.ok", "ip", "192.0.2.1")
		log.Debug("not kept")
	}
	write(slog.NewTextHandler(&direct, options))
	write(m.Events(slog.NewTextHandler(&through, options)))
	if direct.String() != through.String() || direct.Len() == 0 {
		t.Errorf("got %q, want %q", &through, &direct)
	}
}

// A web page that resolves its own name to this machine (DNS rebinding) gets no metrics.
// Profiles are served only if they are enabled.
func TestWhoMayAsk(t *testing.T) {
	m, _ := started()
	for _, tt := range []struct {
		host, path string
		profiles   bool
		want       int
	}{
		{"127.0.0.1:9464", "/metrics", false, 200},
		{"[::1]:9464", "/metrics", false, 200},
		{"10.1.2.3", "/metrics", false, 200},
		{"localhost:9464", "/metrics", false, 200},
		{"evil.example:9464", "/metrics", false, 421},
		{"evil.example", "/debug/pprof/heap", true, 421},
		{"127.0.0.1", "/debug/pprof/heap", true, 200},
		{"127.0.0.1", "/debug/pprof/heap", false, 404},
		{"127.0.0.1", "/", true, 404},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://"+tt.host+tt.path, nil)
		if m.Handler(tt.profiles).ServeHTTP(w, r); w.Code != tt.want {
			t.Errorf("%+v: got %d", tt, w.Code)
		}
	}
}
