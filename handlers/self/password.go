package self

import (
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/session"
)

// PasswordPage is the data of /account/password.
type PasswordPage struct {
	web.Layout

	Problem string
	Gate    bool // whether there are gate hosts, where app passwords are used
}

// PasswordForm answers GET /account/password: the form for a new password.
func (s *Room) PasswordForm(w http.ResponseWriter, _ *http.Request, me account.Account) error {
	return s.showPassword(w, http.StatusOK, me, "")
}

func (s *Room) showPassword(w http.ResponseWriter, status int, me account.Account, problem string) error {
	return s.Render(w, status, "account-password", PasswordPage{layout(me), problem, s.Gate.Enabled()})
}

// PasswordSubmit answers POST /account/password: it changes the password, ends all
// sessions, starts a new one like this one and answers 303; or it shows the form again. A
// new session of level 2 keeps the time of the last proof, because the password alone is
// not one. If this session has level 1 and the account a second factor, the answer is 303
// to the sign-in form.
func (s *Room) PasswordSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "current", "password")
	if err != nil {
		return err
	}
	err = s.Authn.Reauthenticate(r.Context(), s.Attempt(r, me.Username, ""), func() error {
		changed, err := s.Accounts.ChangePassword(r.Context(), me, form.Get("current"), form.Get("password"), web.Actor(r))
		if err != nil {
			return err
		}
		was := web.InfoOf(r).Session
		if changed.Level, changed.AMR = was.Level, was.AMR; was.Level > 1 {
			changed.Proved = was.Proved
		}
		return s.StartSession(w, r, changed, was.Remember)
	})
	if errors.Is(err, session.ErrSecond) {
		return web.SeeOther(w, "/auth?done=password")
	}
	if err == nil {
		return web.SeeOther(w, "/account?done=password")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.showPassword(w, status, me, problem)
	})
}
