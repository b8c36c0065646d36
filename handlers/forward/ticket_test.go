package forward_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// ticket returns the URL with a ticket for the app that is bound to the browser b.
func ticket(tb testing.TB, w *webtest.World, b *webtest.Browser, app string) string {
	tb.Helper()
	to := b.Visit(webtest.Jar+"/auth?next="+url.QueryEscape(app+"/"+tb.Name()), 2).Want(http.StatusSeeOther).Header.Get("Location")
	if !strings.HasPrefix(to, app+"/gate/callback?ticket=") {
		tb.Fatalf("no ticket in %q", to)
	}
	return to
}

// wantGone fails the test unless the callback responds that the ticket is not valid, with
// a link to the page that the browser wanted.
func wantGone(t *testing.T, w *webtest.World, address string) {
	t.Helper()
	got := w.Browser(t).Visit(address, 0).Want(http.StatusGone).WantHeader("Set-Cookie", "")
	got.Says("h1", "Open that page again").WantGatePage()
}

func TestTickets(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	b := w.SignedIn(t, "ada")
	t.Run("work once", func(t *testing.T) {
		to := ticket(t, w, b, webtest.Elsewhere)
		b.Visit(to, 0).Want(http.StatusSeeOther, webtest.Elsewhere+"/"+t.Name())
		wantGone(t, w, to)
	})
	t.Run("are good for half a minute", func(t *testing.T) {
		late, inTime := ticket(t, w, b, webtest.Elsewhere), ticket(t, w, b, webtest.Sister)
		w.Clock.Move(29 * time.Second)
		b.Visit(inTime, 0).Want(http.StatusSeeOther)
		w.Clock.Move(time.Second)
		wantGone(t, w, late)
	})
	t.Run("are good on their host alone", func(t *testing.T) {
		to := ticket(t, w, b, webtest.Elsewhere)
		_, code, _ := strings.Cut(to, "?")
		wantGone(t, w, webtest.Sister+"/gate/callback?"+code)
		wantGone(t, w, to) // the attempt used it up
		to = ticket(t, w, b, webtest.Sister)
		_, code, _ = strings.Cut(to, "?")
		wantGone(t, w, webtest.Jar+"/gate/callback?"+code)
	})
	t.Run("end with their session", func(t *testing.T) {
		b := w.SignedIn(t, "ada")
		to := ticket(t, w, b, webtest.Elsewhere)
		b.Post("/logout").Want(http.StatusSeeOther)
		wantGone(t, w, to)
	})
}

func TestCallbacksWithoutATicket(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	for _, args := range []string{"", "?next=" + webtest.Elsewhere + "/", "?ticket=", "?ticket=x", "?ticket=%27", "?ticket=" + strings.Repeat("a", 9000)} {
		wantGone(t, w, webtest.Elsewhere+"/gate/callback"+args)
	}
	w.Browser(t).Visit(webtest.Elsewhere+"/gate/callback?ticket=a&ticket=b", 0).Want(http.StatusBadRequest)
}

func TestTicketsAreKeptHashedAndSwept(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	b := w.SignedIn(t, "ada")
	to := ticket(t, w, b, webtest.Elsewhere)
	_, code, _ := strings.Cut(to, "ticket=")
	nonce := b.Holds(webtest.Elsewhere, nonceCookie)
	if found := w.Texts(t, `SELECT code_hash FROM tickets WHERE code_hash = ? OR nonce_hash = ?`, code, nonce); nonce == "" || len(found) > 0 {
		t.Error("the database holds the code or the nonce")
	}
	w.Clock.Move(time.Minute)
	ticket(t, w, b, webtest.Sister)
	if n := len(w.Texts(t, `SELECT code_hash FROM tickets`)); n != 1 {
		t.Errorf("%d tickets are kept, want the new one", n)
	}
	if log := w.Log.String(); strings.Contains(log, code) || strings.Contains(log, nonce) {
		t.Error("the log holds the code or the nonce")
	}
}

const nonceCookie = webtest.HostCookie + "-next"

// Attack gate/tickets: somebody who has eve's ticket opened in ada's browser does not
// sign ada in as eve.
func TestATicketInAnotherBrowser(t *testing.T) {
	for name, prepare := range map[string]func(w *webtest.World, ada, eve *webtest.Browser){
		"that was not there yet": func(*webtest.World, *webtest.Browser, *webtest.Browser) {},
		"that is signed in there": func(_ *webtest.World, ada, _ *webtest.Browser) {
			ada.Visit(webtest.Elsewhere+"/", 9).Want(http.StatusOK)
		},
		"that is on its way in": func(w *webtest.World, ada, _ *webtest.Browser) { ticket(t, w, ada, webtest.Elsewhere) },
		"that has eve's nonce for another host": func(w *webtest.World, ada, eve *webtest.Browser) {
			nonce := &http.Cookie{Name: nonceCookie, Value: eve.Holds(webtest.Elsewhere, nonceCookie), Path: "/", Secure: true}
			ada.Jar.SetCookies(webtest.Parse(t, webtest.Sister), []*http.Cookie{nonce})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := webtest.NewWorld(t, webtest.Jar, "")
			w.Add(t, "ada", account.Member)
			w.Add(t, "eve", account.Member)
			ada, eve := w.SignedIn(t, "ada"), w.SignedIn(t, "eve")
			eves := ticket(t, w, eve, webtest.Elsewhere)
			prepare(w, ada, eve)
			got := ada.At(eves).Get("", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate").Want(http.StatusConflict)
			got.WantHeader("Set-Cookie", "").Says("h1", "Your browser did not keep the cookie").WantGatePage()
			if in := ada.Visit(webtest.Elsewhere+"/", 9).Want(http.StatusOK); in.Body != "GET "+webtest.Elsewhere+"/ as ada" {
				t.Errorf("the app sees %q", in.Body)
			}
			eve.Visit(eves, 0).Want(http.StatusGone) // the attempt used it up
		})
	}
}

// Attack gate/tickets: if ada's browser continues after any step that eve made towards a
// ticket, it is signed in as ada, or not at all.
func TestHalfTheWayInAnotherBrowser(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	w.Add(t, "eve", account.Member)
	ada, eve := w.SignedIn(t, "ada"), w.SignedIn(t, "eve")
	ask := webtest.Jar + "/auth?next=" + url.QueryEscape(webtest.Elsewhere+"/x")
	first := eve.Visit(ask, 0).Want(http.StatusSeeOther).Header.Get("Location")
	if in := ada.Visit(first, 9).Want(http.StatusOK); in.Body != "GET "+webtest.Elsewhere+"/x as ada" {
		t.Errorf("the app sees %q", in.Body)
	}
	ada = w.SignedIn(t, "ada")
	second := eve.Visit(ask, 1).Want(http.StatusSeeOther).Header.Get("Location")
	for _, to := range []string{
		second, ask + "&nonce=x", ask + "&nonce=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	} {
		ada.Visit(to, 1).Want(http.StatusConflict).WantHeader("Set-Cookie", "")
	}
}

// Browsers open several tabs at once when they start.
func TestSeveralPagesAtOnce(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	b := w.SignedIn(t, "ada")
	var tickets []string
	for _, page := range []string{"/a", "/b", "/c"} {
		tickets = append(tickets, b.Visit(webtest.Elsewhere+page, 3).Want(http.StatusSeeOther).Header.Get("Location"))
	}
	for i, page := range []string{"/a", "/b", "/c"} {
		b.Visit(tickets[i], 0).Want(http.StatusSeeOther, webtest.Elsewhere+page)
	}
}

// Attack race/one-winner: of many concurrent uses of a ticket one succeeds.
func TestATicketAtOnce(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	b := w.SignedIn(t, "ada")
	for i := range 10 {
		to, won := ticket(t, w, b, fmt.Sprintf("https://h%d.site.example", i)), atomic.Int64{}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				switch got := b.Visit(to, 0); got.StatusCode {
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
