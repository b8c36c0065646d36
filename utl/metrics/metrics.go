// Package metrics exports metrics of the server for Prometheus. No label has a value that
// a visitor chooses: routes are the site's patterns, and results are fixed words.
package metrics

import (
	"net"
	"net/http"
	"net/http/pprof" // #nosec G108 -- http.DefaultServeMux, to which it adds handlers, is not served
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the metrics of one server. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	now      func() time.Time
	requests *requests
	signIns  *prometheus.CounterVec
	programs *prometheus.CounterVec
	waits    prometheus.Histogram
}

// Build identifies the program.
type Build struct{ Version, Revision, Go string }

// waiting are the bucket bounds of the wait for a hash, in seconds.
var waiting = []float64{.005, .05, .25, 1, 5, 15}

// New returns Metrics that start at zero.
func New(b Build, now func() time.Time) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), now: now,
		requests: newRequests(),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "glassjar_sign_ins_total", Help: "Sign-ins with a username, by result.",
		}, []string{"result"}),
		programs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "glassjar_app_passwords_refused_total", Help: "App passwords that were refused, by reason.",
		}, []string{"reason"}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "glassjar_hash_wait_seconds", Buckets: waiting, Help: "How long a password waited to be hashed.",
		}),
	}
	built := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "glassjar_build_info", Help: "Which program it is; always 1."},
		[]string{"version", "revision", "goversion"})
	built.WithLabelValues(b.Version, b.Revision, b.Go).Set(1)
	m.registry.MustRegister(m.requests, m.signIns, m.programs, m.waits, built,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, c := range counted { // export every label from the start, so that Prometheus's rate() counts the first event
		c.of(m).WithLabelValues(c.result)
	}
	return m
}

// Request counts a response, and how long it took. route is one of the site's patterns.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.requests.observe(key{route, status / 100}, took)
}

// Wait measures the time until over is called: how long a password waits to be hashed.
func (m *Metrics) Wait() (over func()) {
	began := m.now()
	return func() { m.waits.Observe(m.now().Sub(began).Seconds()) }
}

// Gauge exports a gauge whose value read returns at each scrape.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Counter exports a counter whose value read returns at each scrape; it must not decrease.
func (m *Metrics) Counter(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// Registry returns the registry of the metrics, for tests.
func (m *Metrics) Registry() prometheus.Gatherer { return m.registry }

// Handler serves GET /metrics and, if profiles is true, /debug/pprof/. It serves only
// requests whose Host is an IP address or localhost: others may come from a web page that
// resolves its own name to this machine (DNS rebinding).
func (m *Metrics) Handler(profiles bool) http.Handler {
	mux := http.NewServeMux()
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !byAddress(r.Host) {
			w.WriteHeader(http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// byAddress reports whether the Host header is an IP address or localhost.
func byAddress(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}
