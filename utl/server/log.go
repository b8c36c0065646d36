package server

import (
	"context"
	"log/slog"
	"strings"
)

// errorLog takes net/http's own messages. One that the server's side causes, such
// as too many open files or a panic, is logged at the level that it came with.
// One that any client can cause at will, such as a failed TLS handshake, is
// logged at debug.
type errorLog struct{ slog.Handler }

// clientsFaults are how the messages begin that a client can cause at will.
var clientsFaults = []string{
	"http: TLS handshake error ",
	"http2: server: error reading preface ",
	"http2: server connection error ",
	"http2: server closing client connection",
	"http2: received GOAWAY",
	"timeout waiting for ",
}

// Handle is slog.Handler's.
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
