package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Beside listens at addr, host:port, and returns the job that answers there by h, as
// long as the server runs.
func Beside(ctx context.Context, addr string, h http.Handler, log *slog.Logger) (Job, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%v: set METRICS_ADDR to an address of this machine where nobody listens", err) //nolint:errorlint // it is not ADDR that cannot be listened at
	}
	return func(ctx context.Context) {
		srv := &http.Server{
			Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute, // of a profile
			MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(errorLog{log.Handler()}, slog.LevelWarn),
		}
		go func() { _ = srv.Serve(ln) }() // until it is closed
		<-ctx.Done()
		_ = srv.Close()
	}, nil
}
