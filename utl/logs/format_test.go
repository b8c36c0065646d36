package logs_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"glassjar/utl/logs"
)

// JSON lines have OpenTelemetry's names and forms, and omit empty values.
func TestJSONHasOpenTelemetrysNames(t *testing.T) {
	var to bytes.Buffer
	log := slog.New(logs.Format(true, slog.LevelDebug)(&to))
	for _, row := range []struct {
		attrs []any
		want  string
	}{
		{[]any{"method", "GET", "route", "GET /join/{code}", "status", 410}, `"http.request.method":"GET","http.route":"/join/{code}","http.response.status_code":410`},
		{[]any{"method", "other", "route", "none", "account", "", "id", "A-1"}, `"http.request.method":"_OTHER","glassjar.request.id":"A-1"`},
		{[]any{"route", "/healthz", "took", 1500 * time.Microsecond}, `"http.route":"/healthz","glassjar.request.duration":1500000`},
		{[]any{"event", "signin.failed", "ip", "192.0.2.1", "account", "ada", "reason", "wrong"}, `"event_name":"signin.failed","client.address":"192.0.2.1","user.name":"ada","glassjar.reason":"wrong"`},
		{[]any{"request_id", "12345678", "trace_id", "4bf9"}, `"http.request.header.x-request-id":["12345678"],"trace_id":"4bf9"`},
		{[]any{"args", "a=b", "form", "c=d"}, `"url.query":"a=b","glassjar.form":"c=d"`},
		{[]any{"error", io.EOF, "stack", "main()"}, `"exception.message":"EOF","exception.stacktrace":"main()"`},
		{[]any{"error", nil, "passkeys", 3}, `"glassjar.passkeys":3`},
		{[]any{slog.Group("config", "status", "on", "empty", "")}, `"config":{"status":"on","empty":""}`},
	} {
		to.Reset()
		log.Warn("told", row.attrs...)
		_, got, _ := strings.Cut(to.String(), `",`) // cut off the time
		if want := `"severity_text":"WARN","body":"told",` + row.want + "}\n"; got != want || !strings.HasPrefix(to.String(), `{"timestamp":"2`) {
			t.Errorf("got %swant … %s", to.String(), want)
		}
	}
}

// Text lines have the short names in the code, which filters and people read.
func TestTextKeepsItsNames(t *testing.T) {
	var to bytes.Buffer
	slog.New(logs.Format(false, slog.LevelInfo)(&to)).Info("told", "event", "signin.ok", "ip", "192.0.2.1", "account", "")
	if want := ` level=INFO msg=told event=signin.ok ip=192.0.2.1 account=""` + "\n"; !strings.HasPrefix(to.String(), "time=") || !strings.HasSuffix(to.String(), want) {
		t.Errorf("got %swant … %s", to.String(), want)
	}
}

// formatting returns a function that formats a request's line.
func formatting(asJSON bool) func() {
	h := logs.Format(asJSON, slog.LevelInfo)(io.Discard).WithAttrs([]slog.Attr{slog.String("method", "GET"), slog.String("route", "GET /"), slog.Int("status", 200)})
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	line.AddAttrs(slog.Duration("took", time.Millisecond), slog.String("id", "A-1"), slog.String("account", "ada"), slog.String("ip", "192.0.2.1"))
	return func() { _ = h.Handle(context.Background(), line) }
}

// BenchmarkFormat measures how long formatting a request's line takes.
func BenchmarkFormat(b *testing.B) {
	for name, asJSON := range map[string]bool{"text": false, "json": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			format := formatting(asJSON)
			for b.Loop() {
				format()
			}
		})
	}
}
