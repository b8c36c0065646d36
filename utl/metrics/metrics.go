// Package metrics counts what a server does, for Prometheus. No label's value comes
// from a visitor: routes are the site's own patterns, results its own words.
package metrics

import (
	"net"
	"net/http"
	"net/http/pprof" // #nosec G108 -- what it adds to http.DefaultServeMux nobody serves
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the counts of one server. Its methods may be called from many
// goroutines.
type Metrics struct {
	registry *prometheus.Registry
	now      func() time.Time
	requests *requests
	signIns  *prometheus.CounterVec
	programs *prometheus.CounterVec
	waits    prometheus.Histogram
}

// Build is which program it is.
type Build struct{ Version, Revision, Go string }

// waiting are the bounds of the waits for a hash, in seconds.
var waiting = []float64{.005, .05, .25, 1, 5, 15}

// New returns counts that begin at zero.
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
	for _, c := range counted { // so that a rate is known from the first one on
		c.of(m).WithLabelValues(c.result)
	}
	return m
}

// Request counts an answer. The route is one of the site's patterns.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.requests.observe(key{route, status / 100}, took)
}

// Wait measures how long a password waits to be hashed, until over is called.
func (m *Metrics) Wait() (over func()) {
	began := m.now()
	return func() { m.waits.Observe(m.now().Sub(began).Seconds()) }
}

// Gauge shows what read returns whenever somebody asks.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Counter shows what read returns, which never goes back.
func (m *Metrics) Counter(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// Registry returns where the counts are, for tests of their names.
func (m *Metrics) Registry() prometheus.Gatherer { return m.registry }

// Handler answers GET /metrics and, with profiles, /debug/pprof/, to a Host that is
// an address or localhost: a page that points its own name at this machine (DNS
// rebinding) has another.
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

func byAddress(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}
