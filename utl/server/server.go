// Package server serves a site until it is told to stop. It limits what a
// connection may take in time and headers, runs the background jobs beside it,
// and lets the requests under way finish. It listens at an address, at a Unix
// socket or at the socket that systemd hands over, and tells systemd how it is.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

const stopTimeout = 10 * time.Second // how long requests may go on after the stop

// Server is a site and what runs beside it.
type Server struct {
	Site    http.Handler
	Log     *slog.Logger
	Jobs    []Job
	Manager Manager // is told when the server is ready, and when it stops

	// Ready reports whether requests can be answered; nil: at once. The manager is
	// told when it first does.
	Ready func() bool
}

// Job runs beside the site until its ctx ends.
type Job func(ctx context.Context)

// Run answers requests until ctx ends, then lets those under way finish, for 10 s
// at most. The jobs end after the last answer; Run returns when they have. It
// closes ln.
func (s Server) Run(ctx context.Context, ln net.Listener) error {
	var background sync.WaitGroup
	going, stop := context.WithCancel(context.WithoutCancel(ctx))
	background.Go(debug.FreeOSMemory) // what only the start needed
	for _, job := range append(s.Jobs, s.Manager.pingWatchdog) {
		background.Go(func() { job(going) })
	}
	err := s.serve(ctx, ln)
	stop()
	background.Wait()
	return err
}

// serve serves until ctx ends.
func (s Server) serve(ctx context.Context, ln net.Listener) error {
	drain := &drain{fresh: map[net.Conn]struct{}{}}
	srv := s.http(drain)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	go s.ready(ctx)
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	s.notify(ending, "STOPPING=1")
	drain.begun.Store(true)
	_ = ln.Close() // which ends Serve: from here on nobody new is let in
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		s.Log.WarnContext(ctx, "the listener failed as the server stopped", "error", err)
	}
	drain.wait(ending)
	if err := srv.Shutdown(ending); err != nil { // somebody is slow: that is no fault of the stop
		s.Log.WarnContext(ctx, "connections cut off", "error", errors.Join(err, srv.Close()))
	}
	return nil
}

// ready tells the manager when the site is ready.
func (s Server) ready(ctx context.Context) {
	for s.Ready != nil && !s.Ready() {
		if !wait(ctx, 5*time.Millisecond, nil, nil) {
			return
		}
	}
	if ctx.Err() == nil {
		s.notify(ctx, "READY=1")
	}
}

// notify tells the manager the state; that it cannot be told is logged.
func (s Server) notify(ctx context.Context, state string) {
	if err := s.Manager.notify(ctx, state); err != nil {
		s.Log.WarnContext(ctx, "the service manager was not told", "state", state, "error", err)
	}
}

// http returns the server of the site, with every limit that it keeps.
func (s Server) http(d *drain) *http.Server {
	spoken := new(http.Protocols)
	spoken.SetHTTP1(true)
	spoken.SetHTTP2(true) // over TLS alone
	return &http.Server{
		Protocols:         spoken,
		Handler:           d.last(s.Site),
		ConnState:         d.note,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second, // longer than nginx keeps a connection
		MaxHeaderBytes:    256<<10 - 4096,   // net/http adds 4,096. The site answers those over 64 KB with a page
		ErrorLog:          slog.NewLogLogger(errorLog{s.Log.Handler()}, slog.LevelWarn),

		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          100,      // RFC 9113 (6.5.2) advises no fewer
			MaxReadFrameSize:              16 << 10, // the least allowed: the first 9 bytes of a frame take the memory for all of it
			MaxReceiveBufferPerConnection: 256 << 10,
			MaxReceiveBufferPerStream:     64 << 10,
			WriteByteTimeout:              30 * time.Second, // WriteTimeout ends a stream, but no connection whose client reads nothing
		},

		DisableGeneralOptionsHandler: true, // its answer would have none of our headers
	}
}
