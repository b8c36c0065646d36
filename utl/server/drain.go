package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// drainTimeout is how long the stop waits for the first request of connections
// that are open already. Some never send one: browsers open a few ahead.
const drainTimeout = 2 * time.Second

// drain knows which connections have sent nothing yet. net/http's Shutdown closes
// one of them in the moment in which its request is read, without an answer; so
// Shutdown waits until there are none.
type drain struct {
	begun atomic.Bool // nobody new is let in: each answer is its connection's last

	count atomic.Int32 // of fresh: almost always 0, and then no request takes the lock
	mu    sync.Mutex
	fresh map[net.Conn]struct{}
}

// note is http.Server.ConnState.
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

// wait waits until no connection is fresh, for drainTimeout at most.
func (d *drain) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for d.count.Load() > 0 && wait(ctx, 2*time.Millisecond, nil, nil) {
	}
}

// last serves the site and closes the connection after a chunked request, and
// after each once the stop has begun. A chunked one that has a Content-Length too
// looks no different here, and a proxy that goes by that would take what is left
// over for the next request (RFC 9112, section 6.1).
func (d *drain) last(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || d.begun.Load() {
			w.Header().Set("Connection", "close")
		}
		site.ServeHTTP(w, r)
	})
}
