package web

import (
	"log/slog"
	"net/http"
	"strings"
)

// The limits of what a proxy calls a request.
const (
	// Limits of a proxy's X-Request-Id.
	minRequestID = 8
	maxRequestID = 64
	idLetters    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"
	hexadecimal  = "0123456789abcdef"
)

// traced returns the request's ids from a trusted proxy for the log line: X-Request-Id, and
// the trace-id in traceparent (W3C Trace Context, section 3.2). Malformed ones are omitted. A
// proxy may pass on what the client sent, so they do not replace the site's own id.
func traced(r *http.Request, proxied bool) (attrs []slog.Attr) {
	if !proxied {
		return nil
	}
	if id, ok := only(r.Header["X-Request-Id"]); ok && len(id) >= minRequestID && len(id) <= maxRequestID && strings.Trim(id, idLetters) == "" {
		attrs = append(attrs, slog.String("request_id", strings.Clone(id))) // a copy, so that the log does not keep the request's memory alive
	}
	if parent, ok := only(r.Header["Traceparent"]); ok && isTrace(parent) {
		attrs = append(attrs, slog.String("trace_id", strings.Clone(parent[3:35])))
	}
	return attrs
}

// only returns the value of a header that appears once.
func only(values []string) (string, bool) {
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// isTrace reports whether the text is a valid traceparent of version 00.
func isTrace(text string) bool {
	return len(text) == 55 && strings.HasPrefix(text, "00-") && text[35] == '-' && text[52] == '-' &&
		strings.Trim(text[3:35]+text[36:52]+text[53:], hexadecimal) == "" && strings.Trim(text[3:35], "0") != "" && strings.Trim(text[36:52], "0") != ""
}
