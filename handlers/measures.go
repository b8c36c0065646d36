package handlers

import (
	"log/slog"
	"time"

	"glassjar/utl/metrics"
)

// observer returns what counts answers, or nil.
func observer(m *metrics.Metrics) func(string, int, time.Duration) {
	if m == nil {
		return nil
	}
	return m.Request
}

// counting returns the log, with the sign-ins in it counted.
func counting(m *metrics.Metrics, log *slog.Logger) *slog.Logger {
	if m == nil {
		return log
	}
	return slog.New(m.Events(log.Handler()))
}
