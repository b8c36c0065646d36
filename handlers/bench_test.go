package handlers_test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/bench"
	"glassjar/utl/logs"
)

// sink is an answer that nobody reads.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func (s *sink) WriteHeader(status int) { s.status = status }

// BenchmarkAnswer is what an answer costs apart from net/http, its log line
// included.
func BenchmarkAnswer(b *testing.B) {
	w := webtest.NewWorld(b, webtest.Jar, "")
	lines := logs.New(io.Discard) // as the program has it
	defer lines.Close()
	text := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }
	folder := b.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.html"), []byte("<!doctype html><title>a</title>"), 0o600); err != nil {
		b.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	w.Site = w.Again(b, func(c *handlers.Config) { c.Log, c.Pages = slog.New(lines.Handler(text)), root })
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
		{"form", "/", nil, http.StatusOK},
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

// BenchmarkAnswerCores is how many times as many answers of the gate two cores
// give as one in the same time.
func BenchmarkAnswerCores(b *testing.B) {
	w := webtest.NewWorld(b, webtest.Jar, "")
	lines := logs.New(io.Discard) // as the program has it
	defer lines.Close()
	text := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }
	w.Site = w.Again(b, func(c *handlers.Config) { c.Log = slog.New(lines.Handler(text)) })
	w.Add(b, "ada", account.Member)
	ada := w.SignedIn(b, "ada")
	ada.Visit(webtest.Elsewhere+"/", 5).Want(http.StatusOK)
	var requests [2]*http.Request
	for i := range requests {
		requests[i] = w.Browser(b).Request(http.MethodGet, "/gate/check", "", webtest.Asked(webtest.Elsewhere+"/a?b=c", "Cookie", webtest.HostCookie+"="+ada.Holds(webtest.Elsewhere, webtest.HostCookie))...)
		requests[i].Body, requests[i].RemoteAddr = http.NoBody, "127.0.0.1:4711"
	}
	bench.Cores(b, func(worker, _ int) {
		answer, again := &sink{header: http.Header{}}, *requests[worker]
		if w.Handler.ServeHTTP(answer, &again); answer.status != http.StatusOK {
			b.Errorf("got status %d, want 200", answer.status)
		}
	})
}
