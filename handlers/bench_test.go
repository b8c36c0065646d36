package handlers_test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/bench"
	"glassjar/utl/logs"
	"glassjar/utl/metrics"
)

// sink is a ResponseWriter that discards everything.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func (s *sink) WriteHeader(status int) { s.status = status }

// programLog returns a log with a queue, as the program has it, whose output is discarded.
func programLog(b *testing.B) *slog.Logger {
	b.Helper()
	lines := logs.New(io.Discard)
	b.Cleanup(lines.Close)
	return slog.New(lines.Handler(func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }))
}

// onePage returns a PAGES_DIR with a.html.
func onePage(b *testing.B) *os.Root {
	b.Helper()
	folder := b.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.html"), []byte("<!doctype html><title>a</title>"), 0o600); err != nil {
		b.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { root.Close() })
	return root
}

// BenchmarkAnswer measures a response without net/http, including its log line.
func BenchmarkAnswer(b *testing.B) {
	w := webtest.NewWorld(b, webtest.Jar, "")
	log, pages := programLog(b), onePage(b)
	w.Site = w.Again(b, func(c *handlers.Config) { c.Log, c.Pages = log, pages })
	w.Add(b, "ada", account.Member)
	ada := w.SignedIn(b, "ada")
	ada.Visit(webtest.Elsewhere+"/", 5).Want(http.StatusOK)
	passes := webtest.HostCookie + "=" + ada.Holds(webtest.Elsewhere, webtest.HostCookie)
	own := "__Host-glassjar=" + ada.Holds(webtest.Jar, "__Host-glassjar")
	sheet := w.Browser(b).Get("/").Find("link[rel=stylesheet]").AttrOr("href", "")
	for _, bb := range []struct {
		name, path string
		header     []string
		status     int
	}{
		{"gate", "/gate/check", webtest.Asked(webtest.Elsewhere+"/a?b=c", "Cookie", passes), http.StatusOK},
		{"gate-refused", "/gate/check", webtest.Asked(webtest.Elsewhere+"/a?b=c", "Cookie", passes[:len(passes)-20]+strings.Repeat("x", 20)), http.StatusUnauthorized},
		{"home", "/", []string{"Cookie", own}, http.StatusOK},
		{"form", "/", []string{"User-Agent", "not the one that just signed in"}, http.StatusOK},
		{"static", sheet, []string{"Accept-Encoding", "gzip"}, http.StatusOK},
		{"page", "/pages/a.html", []string{"Cookie", own}, http.StatusOK},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			request := w.Browser(b).Request(http.MethodGet, bb.path, "", bb.header...)
			request.Body, request.RemoteAddr = http.NoBody, "127.0.0.1:4711"
			for b.Loop() {
				answer, again := &sink{header: http.Header{}}, *request
				w.Handler.ServeHTTP(answer, &again)
				if answer.status != bb.status {
					b.Fatalf("got status %d, want %d", answer.status, bb.status)
				}
			}
		})
	}
}

// BenchmarkAnswerCores measures how many times as many of the gate's responses two cores
// give as one in the same time.
func BenchmarkAnswerCores(b *testing.B) {
	w := webtest.NewWorld(b, webtest.Jar, "")
	log := programLog(b)
	w.Site = w.Again(b, func(c *handlers.Config) { c.Log = log })
	w.Add(b, "ada", account.Member)
	ada := w.SignedIn(b, "ada")
	ada.Visit(webtest.Elsewhere+"/", 5).Want(http.StatusOK)
	var workers [2]struct {
		request *http.Request
		answer  sink
	}
	for i := range workers {
		r := w.Browser(b).Request(http.MethodGet, "/gate/check", "", webtest.Asked(webtest.Elsewhere+"/a?b=c", "Cookie", webtest.HostCookie+"="+ada.Holds(webtest.Elsewhere, webtest.HostCookie))...)
		r.Body, r.RemoteAddr = http.NoBody, "127.0.0.1:4711"
		workers[i].request = r
	}
	bench.Cores(b, func(worker, _ int) {
		request, answer := workers[worker].request, &workers[worker].answer
		*answer = sink{header: http.Header{}}
		if w.Handler.ServeHTTP(answer, request); answer.status != http.StatusOK {
			b.Errorf("got status %d, want 200", answer.status)
		}
	})
}

// BenchmarkMetrics measures the cost of metrics in the gate's response. Runs of 2,000
// responses with and without metrics take turns, and the best run of each counts, because
// other programs use the cores too.
func BenchmarkMetrics(b *testing.B) {
	w := webtest.NewWorld(b, webtest.Jar, "")
	log := programLog(b)
	without := w.Again(b, func(c *handlers.Config) { c.Log = log })
	with := w.Again(b, func(c *handlers.Config) {
		c.Log, c.Metrics = log, metrics.New(metrics.Build{}, time.Now)
	})
	w.Site = without
	w.Add(b, "ada", account.Member)
	ada := w.SignedIn(b, "ada")
	ada.Visit(webtest.Elsewhere+"/", 5).Want(http.StatusOK)
	request := w.Browser(b).Request(http.MethodGet, "/gate/check", "", webtest.Asked(webtest.Elsewhere+"/a?b=c", "Cookie", webtest.HostCookie+"="+ada.Holds(webtest.Elsewhere, webtest.HostCookie))...)
	request.Body, request.RemoteAddr = http.NoBody, "127.0.0.1:4711"
	const times = 2000
	turn := func(site http.Handler) time.Duration {
		began := time.Now()
		for range times {
			answer, again := &sink{header: http.Header{}}, *request
			if site.ServeHTTP(answer, &again); answer.status != http.StatusOK {
				b.Fatalf("got status %d", answer.status)
			}
		}
		return time.Since(began)
	}
	best := [...]time.Duration{time.Hour, time.Hour}
	for b.Loop() {
		for i, site := range []http.Handler{without.Handler, with.Handler} {
			best[i] = min(best[i], turn(site))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(best[0].Nanoseconds())/times, "ns-without")
	b.ReportMetric(float64(best[1].Nanoseconds())/times, "ns-with")
	b.ReportMetric(float64(best[1])/float64(best[0]), "times")
}
