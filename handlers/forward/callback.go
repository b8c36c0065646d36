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

// Callback answers GET /gate/callback on an app's own host, 410 without a
// good ticket. For one that is for no browser yet, it has this one hold a nonce
// and answers 303 to where it gets a ticket of its own. For that it sets the
// host's gate cookie and answers 303 to where the ticket leads. For another
// browser's it is 409: somebody would have this one go on as somebody else.
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
