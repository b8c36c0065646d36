package logs

import (
	"io"
	"log/slog"
)

// Formatter returns a handler that writes its lines to w.
type Formatter = func(w io.Writer) slog.Handler

// Format returns the formatter of lines from the level on, as JSON or as text.
func Format(asJSON bool, level slog.Level) Formatter {
	o := &slog.HandlerOptions{Level: level}
	return func(w io.Writer) slog.Handler {
		if asJSON {
			return slog.NewJSONHandler(w, o)
		}
		return slog.NewTextHandler(w, o)
	}
}
