package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// drainTimeout is how long the stop waits for the first request of open connections. Some
// never send one: browsers open connections in advance.
const drainTimeout = 2 * time.Second

// drain tracks the connections that have not sent a request yet. http.Server.Shutdown
// closes such a connection even while its first request is being read, without a
// response. So Shutdown is called only when there are none.
type drain struct {
	begun atomic.Bool // the server is stopping: each response closes its connection

	count atomic.Int32 // len(fresh): almost always 0, and then no request takes the lock
	mu    sync.Mutex
	fresh map[net.Conn]struct{}
}

// note is the http.Server's ConnState.
func (d *drain) note(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.fresh[c] = struct{}{}
		d.count.Add(1)
		return
	}
	if d.count.Load() == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, is := d.fresh[c]; is {
		delete(d.fresh, c)
		d.count.Add(-1)
	}
}

// wait waits until every connection has sent a request, at most drainTimeout.
func (d *drain) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for d.count.Load() > 0 && wait(ctx, 2*time.Millisecond, nil, nil) {
	}
}

// last serves the site, and closes the connection after a chunked request and, once the
// server is stopping, after every request. A chunked request may have a Content-Length
// too, which cannot be seen here: a proxy that uses that length would take the rest of
// the body for the next request (RFC 9112, section 6.1).
func (d *drain) last(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || d.begun.Load() {
			w.Header().Set("Connection", "close")
		}
		site.ServeHTTP(w, r)
	})
}
