// Package server serves a site until it is told to stop. It limits the time and the size of
// headers per connection, runs background jobs, and on stop lets requests in progress
// finish. It listens on a TCP address, a Unix socket or a socket from systemd, and
// notifies systemd of its state.
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

const stopTimeout = 10 * time.Second // how long requests in progress may take after the stop

// Server is a site and its background jobs.
type Server struct {
	Site    http.Handler
	Log     *slog.Logger
	Jobs    []Job
	Manager Manager // is notified when the server is ready and when it stops

	// Ready reports whether the site can answer requests; nil: from the start. The Manager
	// is notified as soon as it does.
	Ready func() bool
}

// Job runs in the background until its ctx ends.
type Job func(ctx context.Context)

// Run serves requests until ctx ends, then lets those in progress finish, for at most
// 10 s. The jobs end after the last response, and Run returns after them. It closes ln.
func (s Server) Run(ctx context.Context, ln net.Listener) error {
	var background sync.WaitGroup
	going, stop := context.WithCancel(context.WithoutCancel(ctx))
	background.Go(debug.FreeOSMemory) // returns memory that only the start needed
	for _, job := range append(s.Jobs, s.Manager.pingWatchdog) {
		background.Go(func() { job(going) })
	}
	err := s.serve(ctx, ln)
	stop()
	background.Wait()
	return err
}

// serve serves requests until ctx ends, and then shuts down.
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
	_ = ln.Close() // ends Serve: no new connections are accepted
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		s.Log.WarnContext(ctx, "the listener failed as the server stopped", "error", err)
	}
	drain.wait(ending)
	if err := srv.Shutdown(ending); err != nil { // a client is slow, which is not an error of the stop
		s.Log.WarnContext(ctx, "connections cut off", "error", errors.Join(err, srv.Close()))
	}
	return nil
}

// ready notifies the manager when the site is ready.
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

// notify notifies the manager, and logs a failure.
func (s Server) notify(ctx context.Context, state string) {
	if err := s.Manager.notify(ctx, state); err != nil {
		s.Log.WarnContext(ctx, "the service manager was not told", "state", state, "error", err)
	}
}

// http returns the http.Server of the site, with all its limits.
func (s Server) http(d *drain) *http.Server {
	spoken := new(http.Protocols)
	spoken.SetHTTP1(true)
	spoken.SetHTTP2(true) // over TLS only
	return &http.Server{
		Protocols:         spoken,
		Handler:           d.last(s.Site),
		ConnState:         d.note,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second, // longer than nginx's 60 s, so that nginx never uses a connection that was closed here
		MaxHeaderBytes:    256<<10 - 4096,   // net/http adds 4,096. The site itself refuses headers over 64 KB, with a page
		ErrorLog:          slog.NewLogLogger(errorLog{s.Log.Handler()}, slog.LevelWarn),

		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          100,      // the minimum that RFC 9113, section 6.5.2, recommends
			MaxReadFrameSize:              16 << 10, // the smallest allowed: the header of a frame allocates memory for the whole frame
			MaxReceiveBufferPerConnection: 256 << 10,
			MaxReceiveBufferPerStream:     64 << 10,
			WriteByteTimeout:              30 * time.Second, // WriteTimeout ends a stream, but not the connection of a client that reads nothing
		},

		DisableGeneralOptionsHandler: true, // its response would lack the site's headers
	}
}
