package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Attack http/stop: SIGTERM under load. Every request that began gets a complete
// response, a sign-in its 303 with a session that is valid after the next start; then the
// server exits with 0.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			stopUnderLoad(t, by)
		})
	}
}

func stopUnderLoad(t *testing.T, by syscall.Signal) {
	t.Helper()
	p := start(t, t.TempDir())
	p.owner("ada")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var load sync.WaitGroup
	answered := new(atomic.Int64)
	for range 4 {
		load.Go(func() { browse(ctx, t, p, answered) })
	}
	body := signInForm("ada", good).Encode()
	signing := begun(t, p, len(body))
	p.eventually("there is load", func() bool { return answered.Load() > 50 })
	if by == syscall.SIGINT { // a client that never finishes is disconnected after 10 s, which is not an error
		dial(t, p).send(post + "Content-Length: 9\r\n\r\nuser")
	}

	p.signal(by)
	p.within(time.Second, "nobody new is let in", p.closed)
	ada := newBrowser(p)
	for _, c := range signing { // these began before the signal, and continue after it
		c.send(body)
	}
	for _, c := range signing {
		a, err := c.answer()
		if err != nil || a.status != http.StatusSeeOther {
			t.Fatalf("a sign-in under way: got %d, error %v; want 303", a.status, err)
		}
		ada.take(a)
	}
	p.wait(0)
	cancel()
	load.Wait()
	p.sound()
	ada.at = start(t, p.folder)
	ada.get(t, "/account", http.StatusOK)
}

// begun returns four connections on which a sign-in has begun: its body, of this length,
// is not sent yet.
func begun(t *testing.T, p *program, length int) []*conn {
	t.Helper()
	signing := make([]*conn, 4)
	for i := range signing {
		signing[i] = dial(t, p)
		signing[i].send(fmt.Sprintf("%sContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", post, length))
		if a, err := signing[i].answer(); err != nil || a.status != http.StatusContinue {
			t.Fatalf("got %d, error %v; want 100", a.status, err)
		}
	}
	return signing
}

// closed reports whether the server accepts no connections.
func (p *program) closed() bool {
	c, err := net.Dial("tcp", "127.0.0.1:"+p.port)
	if err == nil {
		_ = c.Close()
	}
	return err != nil
}

// browse fetches a page again and again. Each response is complete, or there is none
// because the server closed the connection before.
func browse(ctx context.Context, t *testing.T, p *program, answered *atomic.Int64) {
	t.Helper()
	for ctx.Err() == nil {
		a, err := newBrowser(p).try("/", nil)
		switch {
		case err == nil && a.status == http.StatusOK:
			answered.Add(1)
		case err == nil:
			t.Errorf("a page under load: got %d, want 200", a.status)
		case errors.Is(err, errHalf):
			t.Error(err)
		default:
			return // the server has stopped
		}
	}
}
