package self

import (
	"context"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/browser"
	"glassjar/utl/mail"
)

// notice is an account.Notice as the page shows it.
type notice struct {
	ID, What, Where string
	When            web.Moment
	Read            string // text of the button that deletes it
}

// noticeWords are the texts of notices by kind.
var noticeWords = map[mail.Kind]string{
	mail.PasswordChanged: "Your password was changed",
	mail.EmailChanged:    "Your email address was ",
	mail.NewBrowser:      "Somebody signed in from a browser never seen",
	mail.FactorsChanged:  "The ways to sign in were changed",
}

// notices returns the person's notices.
func (s *Room) notices(ctx context.Context, me account.Account) ([]notice, error) {
	all, err := s.Accounts.Notices(ctx, me.ID)
	rows, now := make([]notice, len(all)), s.Now()
	for i, n := range all {
		rows[i] = notice{n.ID, noticeWords[n.Kind], browser.Words(n.Agent) + ", " + n.Address, web.MomentAt(n.At, now), "That was me"}
		switch {
		case n.Kind == mail.EmailChanged:
			rows[i].What += n.Detail
		case n.Detail != "":
			rows[i].What += ". " + n.Detail
		}
		switch {
		case n.By != "":
			rows[i].Where, rows[i].Read = "by "+n.By, "I know"
		case n.Address == "":
			rows[i].Where, rows[i].Read = "by a command on the server", "I know"
		}
	}
	return rows, err
}

// NoticeSeen answers POST /account/notices/{id}/seen: it deletes that notice, 303.
func (s *Room) NoticeSeen(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Accounts.Seen(r.Context(), me.ID, r.PathValue("id")); err != nil {
		return err
	}
	return web.SeeOther(w, "/account")
}

// Lock answers POST /account/lock: it locks the person's own account and signs it out
// everywhere, also here, 303 to the sign-in form.
func (s *Room) Lock(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Accounts.LockOwn(r.Context(), me, web.Actor(r)); err != nil {
		return err
	}
	return web.SeeOther(w, "/auth?done=locked")
}
