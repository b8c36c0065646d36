package logs

import (
	"io"
	"log/slog"
	"strings"
)

// Formatter returns a handler that writes its lines to w.
type Formatter = func(w io.Writer) slog.Handler

// Format returns the formatter of lines from the level on: as text with the short
// names that the code gives, or as JSON with OpenTelemetry's.
func Format(asJSON bool, level slog.Level) Formatter {
	return func(w io.Writer) slog.Handler {
		if asJSON {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: openTelemetry})
		}
		return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
	}
}

// names are what OpenTelemetry calls what the code logs: fields of its log data model
// in the spelling of "Trace Context in non-OTLP Log Formats", attributes of its
// semantic conventions, and the program's name before what they have no name for.
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

// openTelemetry gives an attribute its name in JSON, and its value the form that the
// convention wants. It leaves out what is empty, as the convention does.
func openTelemetry(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	key := a.Key
	if a.Key = names[key]; a.Key == "" {
		a.Key = "glassjar." + key
	}
	switch a.Value.Kind() { //nolint:exhaustive // the others are as they are
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

// conventional puts a text into the form that the convention has for the key.
func conventional(key string, a slog.Attr) slog.Attr {
	text := a.Value.String()
	switch {
	case text == "", key == "route" && text == "none":
		return slog.Attr{}
	case key == "route": // a pattern: the method has its own name
		if _, path, ok := strings.Cut(text, " "); ok {
			a.Value = slog.StringValue(path)
		}
	case key == "method" && text == "other":
		a.Value = slog.StringValue("_OTHER")
	case key == "request_id": // headers are lists
		a.Value = slog.AnyValue([]string{text})
	}
	return a
}
