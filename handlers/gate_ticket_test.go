package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/utl/account"
)

// ticket returns the URL that hands ada's browser over to the app.
func (w *world) ticket(tb testing.TB, b *browser, app string) string {
	tb.Helper()
	to := b.visit(jar+"/auth?next="+url.QueryEscape(app+"/"+tb.Name()), 0).want(http.StatusSeeOther).Header.Get("Location")
	if !strings.HasPrefix(to, app+"/gate/callback?ticket=") {
		tb.Fatalf("no ticket in %q", to)
	}
	return to
}

func TestTickets(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	b := w.signedIn(t, "ada")
	gone := func(address string) {
		t.Helper()
		got := w.browser(t).visit(address, 0).want(http.StatusGone).header("Set-Cookie", "")
		got.says("h1", "This way in is used up").wantGatePage()
	}

	t.Run("work once, in any browser", func(t *testing.T) {
		to := w.ticket(t, b, elsewhere)
		w.browser(t).visit(to, 0).want(http.StatusSeeOther, elsewhere+"/"+t.Name())
		gone(to)
	})
	t.Run("are good for half a minute", func(t *testing.T) {
		late, inTime := w.ticket(t, b, elsewhere), w.ticket(t, b, sister)
		w.clock.move(29 * time.Second)
		w.browser(t).visit(inTime, 0).want(http.StatusSeeOther)
		w.clock.move(time.Second)
		gone(late)
	})
	t.Run("are good on their host alone", func(t *testing.T) {
		to := w.ticket(t, b, elsewhere)
		_, code, _ := strings.Cut(to, "?")
		gone(sister + "/gate/callback?" + code)
		gone(to) // and used up by the try
		to = w.ticket(t, b, sister)
		_, code, _ = strings.Cut(to, "?")
		gone(jar + "/gate/callback?" + code)
	})
	t.Run("end with their session", func(t *testing.T) {
		b := w.signedIn(t, "ada")
		to := w.ticket(t, b, elsewhere)
		b.post("/logout").want(http.StatusSeeOther)
		gone(to)
	})
	t.Run("are no words", func(t *testing.T) {
		for _, args := range []string{"", "?ticket=", "?ticket=x", "?ticket=%27", "?ticket=" + strings.Repeat("a", 9000)} {
			gone(elsewhere + "/gate/callback" + args)
		}
		w.browser(t).visit(elsewhere+"/gate/callback?ticket=a&ticket=b", 0).want(http.StatusBadRequest)
	})
	t.Run("are kept hashed, and swept", func(t *testing.T) {
		to := w.ticket(t, b, elsewhere)
		_, code, _ := strings.Cut(to, "ticket=")
		if found := w.texts(t, `SELECT code_hash FROM tickets WHERE code_hash = ?`, code); len(found) > 0 {
			t.Error("the database holds the code")
		}
		w.clock.move(time.Minute)
		w.ticket(t, b, sister)
		if n := len(w.texts(t, `SELECT code_hash FROM tickets`)); n != 1 {
			t.Errorf("%d tickets are kept, want the new one", n)
		}
		if strings.Contains(w.log.String(), code) {
			t.Error("the log holds the code")
		}
	})
}

// ATTACKS H: of many at once one gets in.
func TestATicketAtOnce(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	b := w.signedIn(t, "ada")
	for i := range 10 {
		to, won := w.ticket(t, b, fmt.Sprintf("https://h%d.site.example", i)), atomic.Int64{}
		var all sync.WaitGroup
		for range 10 {
			one := w.browser(t)
			all.Go(func() {
				switch got := one.visit(to, 0); got.StatusCode {
				case http.StatusSeeOther:
					won.Add(1)
				case http.StatusGone:
				default:
					t.Errorf("got %s", got.Status)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d got in, want one", won.Load())
		}
	}
}
