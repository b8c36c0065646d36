package metrics

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// counted maps the events of log lines to the counter and the label that count them.
var counted = map[string]struct {
	of     func(*Metrics) *prometheus.CounterVec
	result string
}{
	"signin.ok":             {signIns, "ok"},
	"signin.failed":         {signIns, "failed"},
	"signin.throttled":      {signIns, "throttled"},
	"signin.waiting":        {signIns, "waiting"},
	"apppassword.failed":    {programs, "failed"},
	"apppassword.throttled": {programs, "throttled"},
}

func signIns(m *Metrics) *prometheus.CounterVec  { return m.signIns }
func programs(m *Metrics) *prometheus.CounterVec { return m.programs }

// Events returns a handler that counts the events in log records, also those below the
// log's level, and passes the records on to h.
func (m *Metrics) Events(h slog.Handler) slog.Handler { return events{h, m} }

type events struct {
	slog.Handler

	m *Metrics
}

// Enabled implements slog.Handler.
func (e events) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || e.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (e events) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "event" {
			return true
		}
		if c, ok := counted[a.Value.String()]; ok {
			c.of(e.m).WithLabelValues(c.result).Inc()
		}
		return false
	})
	if !e.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return e.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (e events) WithAttrs(attrs []slog.Attr) slog.Handler {
	return events{e.Handler.WithAttrs(attrs), e.m}
}

// WithGroup implements slog.Handler.
func (e events) WithGroup(name string) slog.Handler { return events{e.Handler.WithGroup(name), e.m} }
