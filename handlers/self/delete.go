package self

import (
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// errConfirm means that the typed text is not the account's username.
var errConfirm = errors.New("not the account's username")

// DeletePage is the data of /account/delete.
type DeletePage struct {
	web.Layout

	Typed, Problem string
}

// DeleteForm answers GET /account/delete: what is deleted and what stays, and the form.
func (s *Room) DeleteForm(w http.ResponseWriter, _ *http.Request, me web.Proven) error {
	return s.Render(w, http.StatusOK, "account-delete", DeletePage{Layout: layout(me.Account())})
}

// DeleteSubmit answers POST /account/delete: if the username was typed, it deletes the
// account, ends its sessions, and answers 303 to the sign-in form, which says so; or it
// shows the form again.
func (s *Room) DeleteSubmit(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	form, err := web.ReadForm(r, "confirm")
	if err != nil {
		return err
	}
	err = errConfirm
	if name, _ := account.Username(form.Get("confirm")); name == me.Username {
		err = s.Accounts.Delete(r.Context(), me.Username, web.Actor(r))
	}
	if err != nil {
		return s.RerenderForm(w, r, err, func(problem string, status int) error {
			return s.Render(w, status, "account-delete", DeletePage{layout(me), form.Get("confirm"), problem})
		})
	}
	if err := s.Sessions.Clear(w, r); err != nil {
		return err
	}
	return web.SeeOther(w, "/?done=deleted")
}
