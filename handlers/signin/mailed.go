package signin

import (
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/session"
)

// MailedPage is the data of /confirm/{code} and /lock/{code}: a page that says what the
// link in a mail does, with a button that does it.
type MailedPage struct {
	web.Layout

	Action   string
	Username string
	Email    string // the address to confirm
	Lock     bool   // whether the link locks the account
	Problem  string
}

// signInDone are the sentences of the sign-in form for its arg done.
var signInDone = map[string]string{
	"password":  "The password is changed, and the account is signed out everywhere. Sign in with the new one: the second factor is asked for as before.",
	"confirmed": "The email address is confirmed.",
	"made":      "Your account is made, and its email address is confirmed. Sign in with the password that you chose.",
	"locked":    "The account is locked, and signed out everywhere. For 24 hours nobody can change its password, email address or the ways to sign in. Ask an owner of this site for a link that sets a new password. If you are its only owner, run “glassjar user unlock NAME” and “glassjar user password NAME” on its server.",
}

// ConfirmForm answers GET /confirm/{code}: a button that confirms an email address, or 410.
func (s *Room) ConfirmForm(w http.ResponseWriter, r *http.Request) error {
	return s.showMailed(w, r, account.Confirm)
}

// LockForm answers GET /lock/{code}: a button that locks the account, or 410.
func (s *Room) LockForm(w http.ResponseWriter, r *http.Request) error {
	return s.showMailed(w, r, account.Lock)
}

func (s *Room) showMailed(w http.ResponseWriter, r *http.Request, kind string) error {
	link, err := s.Accounts.Link(r.Context(), kind, r.PathValue("code"))
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, "mailed", mailedPage(r, link))
}

func mailedPage(r *http.Request, link account.Link) MailedPage {
	return MailedPage{Action: r.URL.Path, Username: link.Username, Email: link.Email, Lock: link.Kind == account.Lock}
}

// ConfirmSubmit answers POST /confirm/{code}: it confirms the account's email address and
// answers 303, or 410, or 422 if it cannot be confirmed.
func (s *Room) ConfirmSubmit(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.ReadForm(r); err != nil {
		return err
	}
	link, err := s.Accounts.Confirm(r.Context(), r.PathValue("code"), web.Actor(r))
	if err == nil {
		return s.thenSay(w, r, link, "confirmed")
	}
	if errors.Is(err, account.ErrLink) {
		return err
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p := mailedPage(r, link)
		p.Problem = problem
		return s.Render(w, status, "mailed", p)
	})
}

// LockSubmit answers POST /lock/{code}: it locks the account, signs it out everywhere and
// answers 303, or 410.
func (s *Room) LockSubmit(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.ReadForm(r); err != nil {
		return err
	}
	link, err := s.Accounts.Link(r.Context(), account.Lock, r.PathValue("code"))
	if err == nil {
		err = s.Accounts.LockByLink(r.Context(), r.PathValue("code"), web.Actor(r))
	}
	if err != nil {
		return err
	}
	return s.thenSay(w, r, link, "locked")
}

// thenSay answers 303 to a page that says what the link did: /account if its person is signed
// in here, else the sign-in form.
func (s *Room) thenSay(w http.ResponseWriter, r *http.Request, link account.Link, done string) error {
	web.InfoOf(r).Session = session.Session{} // read again, because it may just have ended
	found, err := s.CurrentSession(w, r)
	switch {
	case errors.Is(err, session.ErrNone):
		return web.SeeOther(w, "/auth?done="+done)
	case err != nil:
		return err
	case found.Identity.ID != link.AccountID:
		return web.SeeOther(w, "/auth?other=1&done="+done)
	}
	return web.SeeOther(w, "/account?done="+done)
}
