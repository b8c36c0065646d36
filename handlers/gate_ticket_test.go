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

// ticket returns the URL that hands the browser b, and no other, over to the app.
func (w *world) ticket(tb testing.TB, b *browser, app string) string {
	tb.Helper()
	to := b.visit(jar+"/auth?next="+url.QueryEscape(app+"/"+tb.Name()), 2).want(http.StatusSeeOther).Header.Get("Location")
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
		got.says("h1", "Open that page again").wantGatePage()
	}

	t.Run("work once", func(t *testing.T) {
		to := w.ticket(t, b, elsewhere)
		b.visit(to, 0).want(http.StatusSeeOther, elsewhere+"/"+t.Name())
		gone(to)
	})
	t.Run("are good for half a minute", func(t *testing.T) {
		late, inTime := w.ticket(t, b, elsewhere), w.ticket(t, b, sister)
		w.clock.move(29 * time.Second)
		b.visit(inTime, 0).want(http.StatusSeeOther)
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
		for _, args := range []string{"", "?next=" + elsewhere + "/", "?ticket=", "?ticket=x", "?ticket=%27", "?ticket=" + strings.Repeat("a", 9000)} {
			gone(elsewhere + "/gate/callback" + args)
		}
		w.browser(t).visit(elsewhere+"/gate/callback?ticket=a&ticket=b", 0).want(http.StatusBadRequest)
	})
	t.Run("are kept hashed, and swept", func(t *testing.T) {
		to := w.ticket(t, b, elsewhere)
		_, code, _ := strings.Cut(to, "ticket=")
		nonce := b.holds(elsewhere, nonceCookie)
		if found := w.texts(t, `SELECT code_hash FROM tickets WHERE code_hash = ? OR nonce_hash = ?`, code, nonce); nonce == "" || len(found) > 0 {
			t.Error("the database holds the code or the nonce")
		}
		w.clock.move(time.Minute)
		w.ticket(t, b, sister)
		if n := len(w.texts(t, `SELECT code_hash FROM tickets`)); n != 1 {
			t.Errorf("%d tickets are kept, want the new one", n)
		}
		if log := w.log.String(); strings.Contains(log, code) || strings.Contains(log, nonce) {
			t.Error("the log holds the code or the nonce")
		}
	})
}

const nonceCookie = hostCookie + "-next"

// Attack gate/tickets: whoever has eve's ticket opened in ada's browser does not have
// ada go on as eve.
func TestATicketInAnotherBrowser(t *testing.T) {
	for name, prepare := range map[string]func(w *world, ada, eve *browser){
		"that was not there yet": func(*world, *browser, *browser) {},
		"that is signed in there": func(_ *world, ada, _ *browser) {
			ada.visit(elsewhere+"/", 9).want(http.StatusOK)
		},
		"that is on its way in": func(w *world, ada, _ *browser) { w.ticket(t, ada, elsewhere) },
		"that has eve's nonce for another host": func(w *world, ada, eve *browser) {
			nonce := &http.Cookie{Name: nonceCookie, Value: eve.holds(elsewhere, nonceCookie), Path: "/", Secure: true}
			ada.Jar.SetCookies(parse(t, sister), []*http.Cookie{nonce})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, jar, "")
			w.add(t, "ada", account.Member)
			w.add(t, "eve", account.Member)
			ada, eve := w.signedIn(t, "ada"), w.signedIn(t, "eve")
			eves := w.ticket(t, eve, elsewhere)
			prepare(w, ada, eve)
			got := ada.at(eves).get("", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate").want(http.StatusConflict)
			got.header("Set-Cookie", "").says("h1", "Your browser did not keep the cookie").wantGatePage()
			if in := ada.visit(elsewhere+"/", 9).want(http.StatusOK); in.body != "GET "+elsewhere+"/ as ada" {
				t.Errorf("the app sees %q", in.body)
			}
			eve.visit(eves, 0).want(http.StatusGone) // used up by the try
		})
	}
}

// Attack gate/tickets: of the steps to a ticket, too, each that eve took and ada's
// browser goes on with leads ada on as herself, or nowhere.
func TestHalfTheWayInAnotherBrowser(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	w.add(t, "eve", account.Member)
	ada, eve := w.signedIn(t, "ada"), w.signedIn(t, "eve")
	ask := jar + "/auth?next=" + url.QueryEscape(elsewhere+"/x")
	first := eve.visit(ask, 0).want(http.StatusSeeOther).Header.Get("Location")
	if in := ada.visit(first, 9).want(http.StatusOK); in.body != "GET "+elsewhere+"/x as ada" {
		t.Errorf("the app sees %q", in.body)
	}
	ada = w.signedIn(t, "ada")
	second := eve.visit(ask, 1).want(http.StatusSeeOther).Header.Get("Location")
	for _, to := range []string{
		second, ask + "&nonce=x", ask + "&nonce=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	} {
		ada.visit(to, 1).want(http.StatusConflict).header("Set-Cookie", "")
	}
}

// Browsers open several tabs at once when they start.
func TestSeveralPagesAtOnce(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	b := w.signedIn(t, "ada")
	var tickets []string
	for _, page := range []string{"/a", "/b", "/c"} {
		tickets = append(tickets, b.visit(elsewhere+page, 3).want(http.StatusSeeOther).Header.Get("Location"))
	}
	for i, page := range []string{"/a", "/b", "/c"} {
		b.visit(tickets[i], 0).want(http.StatusSeeOther, elsewhere+page)
	}
}

// Attack race/one-winner: of many at once one gets in.
func TestATicketAtOnce(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	b := w.signedIn(t, "ada")
	for i := range 10 {
		to, won := w.ticket(t, b, fmt.Sprintf("https://h%d.site.example", i)), atomic.Int64{}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				switch got := b.visit(to, 0); got.StatusCode {
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
