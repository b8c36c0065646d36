package self

import (
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// PasswordPage is the data of /account/password.
type PasswordPage struct {
	web.Layout

	Problem string
	Gate    bool // whether there is anything for app passwords to open
}

// PasswordForm answers GET /account/password: the form for a new password.
func (s *Room) PasswordForm(w http.ResponseWriter, _ *http.Request, me account.Account) error {
	return s.showPassword(w, http.StatusOK, me, "")
}

func (s *Room) showPassword(w http.ResponseWriter, status int, me account.Account, problem string) error {
	return s.Render(w, status, "account-password", PasswordPage{layout(me), problem, s.Gate.Enabled()})
}

// PasswordSubmit answers POST /account/password: it changes the password, ends
// the account's other sessions, gives this one a new sid and answers 303, or
// shows the form again.
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
		return s.StartSession(w, r, changed, web.InfoOf(r).Session.Remember)
	})
	if err == nil {
		return web.SeeOther(w, "/account?done=password")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.showPassword(w, status, me, problem)
	})
}
