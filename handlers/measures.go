package handlers

import (
	"log/slog"
	"time"

	"glassjar/utl/metrics"
)

// observer returns the function that counts responses, or nil without metrics.
func observer(m *metrics.Metrics) func(string, int, time.Duration) {
	if m == nil {
		return nil
	}
	return m.Request
}

// counting returns the logger, with a handler that also counts its events in m.
func counting(m *metrics.Metrics, log *slog.Logger) *slog.Logger {
	if m == nil {
		return log
	}
	return slog.New(m.Events(log.Handler()))
}
