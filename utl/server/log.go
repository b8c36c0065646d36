package server

import (
	"context"
	"log/slog"
	"strings"
)

// errorLog handles net/http's own messages. Those about the server, such as too many open
// files or a panic, keep their level. Those that any client can cause, such as a failed
// TLS handshake, are logged at debug.
type errorLog struct{ slog.Handler }

// clientsFaults are the prefixes of messages that any client can cause.
var clientsFaults = []string{
	"http: TLS handshake error ",
	"http2: server: error reading preface ",
	"http2: server connection error ",
	"http2: server closing client connection",
	"http2: received GOAWAY",
	"timeout waiting for ",
}

// Handle implements slog.Handler.
func (l errorLog) Handle(ctx context.Context, r slog.Record) error {
	for _, fault := range clientsFaults {
		if strings.HasPrefix(r.Message, fault) {
			r.Level = slog.LevelDebug
		}
	}
	if !l.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}
