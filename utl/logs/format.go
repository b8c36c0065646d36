package logs

import (
	"io"
	"log/slog"
	"strings"
)

// Formatter returns a handler that writes formatted lines to w.
type Formatter = func(w io.Writer) slog.Handler

// Format returns the Formatter for lines of at least this level: as text with the short
// names in the code, or as JSON with OpenTelemetry's names.
func Format(asJSON bool, level slog.Level) Formatter {
	return func(w io.Writer) slog.Handler {
		if asJSON {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: openTelemetry})
		}
		return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
	}
}

// names maps the keys in the code to OpenTelemetry's: the fields of its log data model, in
// the spelling of "Trace Context in non-OTLP Log Formats", and the attributes of its
// semantic conventions. Other keys get the prefix "glassjar.".
var names = map[string]string{
	slog.TimeKey:    "timestamp",
	slog.LevelKey:   "severity_text",
	slog.MessageKey: "body",
	"event":         "event_name",
	"trace_id":      "trace_id",
	"method":        "http.request.method",
	"route":         "http.route",
	"status":        "http.response.status_code",
	"args":          "url.query",
	"request_id":    "http.request.header.x-request-id",
	"ip":            "client.address",
	"account":       "user.name",
	"account_id":    "user.id",
	"error":         "exception.message",
	"stack":         "exception.stacktrace",
	"id":            "glassjar.request.id",
	"took":          "glassjar.request.duration", // in nanoseconds: slog writes a fraction with an allocation
}

// openTelemetry renames an attribute for JSON, and gives its value the form that the
// conventions require. It omits empty values, as the conventions do.
func openTelemetry(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	key := a.Key
	if a.Key = names[key]; a.Key == "" {
		a.Key = "glassjar." + key
	}
	switch a.Value.Kind() { //nolint:exhaustive // other kinds stay unchanged
	case slog.KindAny:
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(level.String())
		} else if a.Value.Any() == nil {
			return slog.Attr{}
		}
	case slog.KindString:
		return conventional(key, a)
	}
	return a
}

// conventional gives a text the form that the conventions require for the key.
func conventional(key string, a slog.Attr) slog.Attr {
	text := a.Value.String()
	switch {
	case text == "", key == "route" && text == "none":
		return slog.Attr{}
	case key == "route": // "METHOD /path": the method is an attribute of its own
		if _, path, ok := strings.Cut(text, " "); ok {
			a.Value = slog.StringValue(path)
		}
	case key == "method" && text == "other":
		a.Value = slog.StringValue("_OTHER")
	case key == "request_id": // attributes of headers are lists
		a.Value = slog.AnyValue([]string{text})
	}
	return a
}
