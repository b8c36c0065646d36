// Package server serves a site until it is told to stop. It limits what a
// connection may take in time and headers, runs the background jobs beside it,
// and lets the requests under way finish.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"glassjar/utl/tlscert"
)

const stopTimeout = 10 * time.Second // how long requests may go on after the stop

// Server is a site and what runs beside it.
type Server struct {
	Site http.Handler
	Log  *slog.Logger
	Jobs []Job
}

// Job runs beside the site until its ctx ends.
type Job func(ctx context.Context)

// Listen listens at addr, host:port, over TLS where certFile is no empty name.
// The pair is the certificate and its key, or one for plain http.
func Listen(ctx context.Context, addr, certFile, keyFile string) (net.Listener, *tlscert.Pair, error) {
	pair, err := tlscert.Load(certFile, keyFile)
	if err != nil {
		return nil, nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listening: %w", err)
	}
	if config := pair.Config(); config != nil {
		ln = tls.NewListener(ln, config)
	}
	return ln, pair, nil
}

// Run answers requests until ctx ends, then lets those under way finish, for 10 s
// at most. The jobs end after the last answer; Run returns when they have. It
// closes ln.
func (s Server) Run(ctx context.Context, ln net.Listener) error {
	var background sync.WaitGroup
	going, stop := context.WithCancel(context.WithoutCancel(ctx))
	background.Go(debug.FreeOSMemory) // what only the start needed
	for _, job := range s.Jobs {
		background.Go(func() { job(going) })
	}
	err := s.answer(ctx, ln)
	stop()
	background.Wait()
	return err
}

// answer serves until ctx ends.
func (s Server) answer(ctx context.Context, ln net.Listener) error {
	srv := s.http()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(ending); err != nil { // somebody is slow: that is no fault of the stop
		s.Log.WarnContext(ctx, "connections cut off", "error", errors.Join(err, srv.Close()))
	}
	return nil
}

// http returns the server of the site, with every limit that it keeps.
func (s Server) http() *http.Server {
	spoken := new(http.Protocols)
	spoken.SetHTTP1(true)
	spoken.SetHTTP2(true) // over TLS alone
	return &http.Server{
		Protocols:         spoken,
		Handler:           closeAfterChunked(s.Site),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second, // longer than nginx keeps a connection
		MaxHeaderBytes:    256<<10 - 4096,   // net/http adds 4,096. The site answers those over 64 KB with a page
		ErrorLog:          slog.NewLogLogger(errorLog{s.Log.Handler()}, slog.LevelWarn),

		DisableGeneralOptionsHandler: true, // its answer would have none of our headers
	}
}

// closeAfterChunked serves the site and closes the connection after a chunked
// request. One that has a Content-Length too looks no different here, and a proxy
// that goes by that would take what is left over for the next request (RFC 9112,
// section 6.1).
func closeAfterChunked(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		site.ServeHTTP(w, r)
	})
}
