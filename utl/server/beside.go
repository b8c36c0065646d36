package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Beside listens on addr, host:port, and returns a job that serves h there while the
// server runs.
func Beside(ctx context.Context, addr string, h http.Handler, log *slog.Logger) (Job, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%v: set METRICS_ADDR to an address of this machine where nobody listens", err) //nolint:errorlint // not wrapped: callers would take it for an error of ADDR
	}
	return func(ctx context.Context) {
		srv := &http.Server{
			Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute, // long enough for a profile
			MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(errorLog{log.Handler()}, slog.LevelWarn),
		}
		go func() { _ = srv.Serve(ln) }() // returns when it is closed
		<-ctx.Done()
		_ = srv.Close()
	}, nil
}
