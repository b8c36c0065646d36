package process

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/keyring"
)

var kills = flag.Int("kills", 50, "how often TestKills kills the program")

// world is the program, and what it acknowledged, over all kills.
type world struct {
	t      *testing.T
	p      *program
	s      *stores    // open between a restart and the next kill's writes
	live   []*browser // whose sign-in was acknowledged
	ended  []*browser // whose sign-out was acknowledged
	made   int        // number of accounts, for new usernames
	ring   keyring.Ring
	counts counts
}

type counts struct{ kills, acknowledged, lost, unanswered, written int }

// write is a requested write.
type write struct {
	what         string
	acknowledged bool        // the response was 303, or the exit code 0
	holds        func() bool // reports after the next start whether it was stored
}

// task requests one write; ctx ends when everything is killed.
type task func(ctx context.Context) write

// kind is a kind of write. takes is about how long one takes, and prepare prepares
// several that can be requested concurrently.
type kind struct {
	name    string
	takes   time.Duration
	at      int // once
	prepare func(w *world) task
}

// Attack fault/kill: kill -9 at random moments during every kind of write. What was
// acknowledged is there after the next start, and no change is stored in part.
func TestKills(t *testing.T) {
	t.Parallel()
	w := &world{t: t, p: start(t, t.TempDir())}
	w.p.owner("owner")
	w.s = beside(t, w.p.folder)
	w.remember()
	for i := range *kills {
		w.round(kinds[i%len(kinds)])
	}
	for _, b := range w.live {
		w.count(write{"a sign-in, at the end", true, func() bool { return w.accepts(b) }})
	}
	for _, b := range w.ended {
		w.count(write{"a sign-out, at the end", true, func() bool { return !w.accepts(b) }})
	}
	c := w.counts
	t.Logf("%d kills, %d acknowledged writes, %d lost; of %d unanswered ones %d were written",
		c.kills, c.acknowledged, c.lost, c.unanswered, c.written)
	if c.acknowledged < *kills {
		t.Errorf("the kills came too early to show anything: %d acknowledged writes", c.acknowledged)
	}
}

// round requests writes of one kind, kills everything meanwhile, starts again and checks
// what is stored.
func (w *world) round(k kind) {
	w.t.Helper()
	tasks := make(chan task, 10)
	for range cap(tasks) {
		tasks <- k.prepare(w)
	}
	close(tasks)
	w.s.close()
	writes := w.cut(k, tasks)
	w.p = start(w.t, w.p.folder)
	w.p.sound()
	w.s = beside(w.t, w.p.folder)
	w.remember()
	for _, one := range writes {
		w.count(one)
	}
}

// cut runs the tasks, and kills the server and every command at a random moment: after
// some responses, and a part of the time that the next one takes.
func (w *world) cut(k kind, tasks chan task) []write {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answers := make(chan write, cap(tasks))
	var all sync.WaitGroup
	for range k.at {
		all.Go(func() {
			for do := range tasks {
				if ctx.Err() == nil {
					answers <- do(ctx)
				}
			}
		})
	}
	var writes []write
	for range rand.N(6) {
		writes = append(writes, <-answers)
	}
	<-time.After(rand.N(k.takes))
	cancel()
	w.p.kill()
	all.Wait()
	close(answers)
	for one := range answers {
		writes = append(writes, one)
	}
	w.counts.kills++
	return writes
}

// count checks whether the write is stored.
func (w *world) count(one write) {
	w.t.Helper()
	holds := one.holds()
	switch {
	case one.acknowledged && !holds:
		w.counts.lost++
		w.t.Errorf("lost: %s", one.what)
		fallthrough
	case one.acknowledged:
		w.counts.acknowledged++
	default:
		w.counts.unanswered++
		if holds {
			w.counts.written++
		}
	}
}

// remember reads the keys, which must be complete, and must be the earlier ones with new
// ones before them.
func (w *world) remember() {
	w.t.Helper()
	ring, err := keyring.Read(filepath.Join(w.p.folder, ".env"))
	if err != nil {
		w.t.Fatalf("the keys after a kill: %v", err)
	}
	was, is := w.ring.IDs(), ring.IDs()
	if new := len(is) - len(was); new < 0 || fmt.Sprint(is[new:]) != fmt.Sprint(was) {
		w.t.Fatalf("the keys were %v and are %v", was, is)
	}
	w.ring = ring
}

// accepts reports whether the running server accepts the browser's session.
func (w *world) accepts(b *browser) bool {
	b.at = w.p
	return !b.copied().signedOut(w.t)
}

// name returns a new username.
func (w *world) name() string {
	w.made++
	return fmt.Sprintf("person-%04x", w.made)
}

// browser returns a browser with a client address of its own, because failures are
// counted by address.
func (w *world) browser(name string) *browser {
	b := newBrowser(w.p)
	b.address = "2001:db8:0:" + strings.TrimPrefix(name, "person-") + "::1"
	return b
}
