package forward

import (
	"errors"
	"fmt"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

var errBrowser = errors.New("the ticket is not for this browser")

// Callback answers GET /gate/callback on an app's own host. A ticket that is not bound
// yet makes the browser store a nonce: 303 to the URL that returns a ticket bound to it.
// A ticket that is bound to this browser sets the host's gate cookie: 303 to the ticket's
// URL. A ticket that is bound to another browser gets 409, because somebody may want this
// browser to be signed in as somebody else. A ticket that is not valid gets 410.
func (s *Room) Callback(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Referrer-Policy", "no-referrer")
	args, err := web.ReadArgs(r, "ticket")
	if err != nil {
		return err
	}
	ticket, err := s.Sessions.Redeem(r.Context(), args.Get("ticket"))
	if err != nil {
		return err
	}
	t, ok := s.Gate.ReturnTarget(ticket.URL)
	if !ok || !t.SameHost(r.Host) {
		return fmt.Errorf("%w: it is for another host", session.ErrTicket)
	}
	at := session.CookieScope(s.Gate.CookieScope(t))
	if ticket.Open() {
		return web.SeeOther(w, s.PublicURL.String()+"/auth?nonce="+at.SendNonce(w, r)+"&next="+gate.Escape(ticket.URL))
	}
	if !ticket.MatchesBrowser(r, at) {
		return errBrowser
	}
	if err := s.Sessions.SendGate(w, r, ticket.Session, at); err != nil {
		return err
	}
	return web.SeeOther(w, ticket.URL)
}
