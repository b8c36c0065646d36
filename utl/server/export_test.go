package server

import "log/slog"

// ErrorLog returns the handler of net/http's own messages, for tests.
func ErrorLog(to slog.Handler) slog.Handler { return errorLog{to} }
