package process

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"

	"glassjar/utl/proxytest"
	"glassjar/utl/tooltest"
)

// forwarded are the headers by which a proxy describes a request to an app.
const forwarded = "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: app.example\r\n" +
	"X-Forwarded-Uri: /a?b=c\r\nX-Forwarded-For: 192.0.2.1\r\n"

// scenario is a request, and the status of its response. A word in capitals stands for a
// value that is requested from the server first.
type scenario struct {
	name, path, header string
	status             int
}

var scenarios = []scenario{
	{"gate", "/gate/check", forwarded + "Cookie: PASSES\r\n", http.StatusOK},
	{"gate-refused", "/gate/check", forwarded + "Cookie: FORGED\r\n", http.StatusUnauthorized},
	{"home", "/", "Cookie: SESSION\r\n", http.StatusOK},
	{"form", "/", "User-Agent: not the one that just signed in\r\n", http.StatusOK},
	{"static", "SHEET", "Accept-Encoding: gzip\r\n", http.StatusOK},
	{"page", "/pages/a.html", "Cookie: SESSION\r\n", http.StatusOK},
}

var sheet = regexp.MustCompile(`/static/site[^"]*\.css`)

// BenchmarkScale measures a response in comparison with a minimal net/http server that
// writes the same bytes. Both get the same load in turn.
func BenchmarkScale(b *testing.B) {
	tooltest.Need(b, "wrk")
	var table strings.Builder
	lines := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, m := range measures {
		fmt.Fprintf(lines, "\t%s\t÷ bare", m.title)
	}
	fmt.Fprintln(lines, "\t")
	for _, s := range scenarios {
		b.Run(s.name, func(b *testing.B) {
			all := s.compared(b)
			b.ReportMetric(0, "ns/op")
			fmt.Fprint(lines, s.name)
			for i, m := range measures {
				ratio, least, most := all.ratio(i)
				b.ReportMetric(ratio, m.unit+"/bare")
				fmt.Fprintf(lines, "\t%.*f\t%.2f (%.2f–%.2f)", m.digits, all.ours(i), ratio, least, most)
			}
			fmt.Fprintln(lines, "\t")
		})
	}
	_ = lines.Flush()
	fmt.Printf("\n%s\n%d rounds of %d s in turn, %s; medians, and the least and the most of the rounds' ratios\n\n",
		table.String(), *rounds, *turn, where())
}

// compared measures the server and a minimal one with the request.
func (s scenario) compared(b *testing.B) results {
	b.Helper()
	once(b)
	h := newPopulated(b, 10)
	passes, own := h.passes(0), h.signIn(h.program, "person-0")
	words := strings.NewReplacer("PASSES", passes, "FORGED", forged(passes), "SESSION", "glassjar="+own.cookies["glassjar"],
		"SHEET", sheet.FindString(own.get(b, "/", http.StatusOK).body))
	path := words.Replace(s.path)
	request := "GET " + path + " HTTP/1.1\r\n" + h.host() + words.Replace(s.header) + "\r\n"
	given, bytes := exchange(b, h.program, request)
	if given.status != s.status {
		b.Fatalf("got status %d, want %d:\n%s", given.status, s.status, bytes)
	}
	floor := bare(b, path, given)
	if _, got := exchange(b, floor, request); got != bytes {
		b.Fatalf("the bare server answers other bytes:\n%s\nthan ours:\n%s", got, bytes)
	}
	load := script(b, request)
	return compare(side{h.program, load}, side{floor, load}, s.status)
}

// BenchmarkScaleNginx measures how many requests nginx passes on when it asks the gate
// each time, as in its recipe, in comparison with when it does not.
func BenchmarkScaleNginx(b *testing.B) {
	once(b)
	h := newPopulated(b, 10)
	app := bare(b, "/", answer{status: http.StatusOK, header: http.Header{}, body: "the app\n"})
	const request = "GET / HTTP/1.1\r\nHost: app.example\r\n"
	gated, open := nginx(b, h.program, app, true), nginx(b, h.program, app, false)
	if a, _ := exchange(b, gated, request+"\r\n"); a.status != http.StatusUnauthorized {
		b.Fatalf("without a cookie: got status %d, want 401", a.status)
	}
	load := script(b, request+"Cookie: "+h.passes(0)+"\r\n\r\n")
	all := compare(side{gated, load}, side{open, load}, http.StatusOK)
	ratio, _, _ := all.ratio(rate)
	b.ReportMetric(all.ours(rate), "requests/s")
	b.ReportMetric(ratio, "rps/open")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkScaleMemory measures the server's memory before the first request, and with
// 100,000 live sessions.
func BenchmarkScaleMemory(b *testing.B) {
	once(b)
	h := newPopulated(b, 100_000)
	b.ReportMetric(h.resident(), "MB-idle")
	h.wake(b, 100_000)
	b.ReportMetric(h.resident(), "MB-100000-sessions")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkScalePeople measures the gate's response with many accounts and sessions, up
// to 100,000 cached ones, in comparison with a server with 10.
func BenchmarkScalePeople(b *testing.B) {
	for _, people := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			once(b)
			few, many := newPopulated(b, 10), newPopulated(b, people)
			many.wake(b, min(people, 100_000))
			ratio, _, _ := compare(many.loaded(b), few.loaded(b), http.StatusOK).ratio(cpu)
			b.ReportMetric(ratio, "cpu/10-people")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkScaleMetrics measures the gate's response with metrics, in comparison with a
// server without.
func BenchmarkScaleMetrics(b *testing.B) {
	once(b)
	counted, plain := newPopulated(b, 10, "METRICS_ADDR="+proxytest.Free(b)), newPopulated(b, 10)
	ratio, least, most := compare(counted.loaded(b), plain.loaded(b), http.StatusOK).ratio(cpu)
	b.ReportMetric(ratio, "cpu/uncounted")
	b.ReportMetric(least, "least")
	b.ReportMetric(most, "most")
	b.ReportMetric(0, "ns/op")
}

// loaded returns the server and a load that asks its gate about 10 people in turn.
func (h *populated) loaded(b *testing.B) side {
	b.Helper()
	var requests []string
	for i := range 10 {
		requests = append(requests, h.check(i))
	}
	return side{h.program, script(b, requests...)}
}
