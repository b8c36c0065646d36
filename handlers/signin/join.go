package signin

import (
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/session"
)

// JoinPage is the data of /join/{code}.
type JoinPage struct {
	web.Layout

	Action   string
	Role     string
	Username string
	Problem  string
}

// UsernameRule returns the sentence that describes a valid username.
func (JoinPage) UsernameRule() string { return web.UsernameRule }

// ResetPage is the data of /reset/{code}.
type ResetPage struct {
	web.Layout

	Action   string
	Username string
	Problem  string
}

// JoinForm answers GET /join/{code}: the form that creates the account, or 410.
func (s *Room) JoinForm(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Join, r.PathValue("code"))
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, "join", JoinPage{Action: r.URL.Path, Role: link.Role})
}

// JoinSubmit answers POST /join/{code}: it creates the account, signs the person in and
// answers 303 to /, or shows the form again, or 410.
func (s *Room) JoinSubmit(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Join, r.PathValue("code"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(r, "username", "password")
	if err != nil {
		return err
	}
	made, err := s.Accounts.Join(r.Context(), r.PathValue("code"), form.Get("username"), form.Get("password"), web.Actor(r))
	if err == nil {
		err = s.StartSession(w, r, made, false)
	}
	if err == nil || errors.Is(err, account.ErrLink) {
		return s.redirectHome(w, r, err)
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.Render(w, status, "join", JoinPage{
			Action: r.URL.Path, Role: link.Role, Username: account.Trim(form.Get("username")), Problem: problem,
		})
	})
}

// ResetForm answers GET /reset/{code}: the form that sets a password, or 410.
func (s *Room) ResetForm(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Reset, r.PathValue("code"))
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, "reset", ResetPage{Action: r.URL.Path, Username: link.Username})
}

// ResetSubmit answers POST /reset/{code}: it sets the password, ends every session of the
// account, signs the person in and answers 303 to /, or to the sign-in form if the
// account has a second factor. Otherwise it shows the form again, or 410.
func (s *Room) ResetSubmit(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Reset, r.PathValue("code"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(r, "password")
	if err != nil {
		return err
	}
	mended, err := s.Accounts.Reset(r.Context(), r.PathValue("code"), form.Get("password"), web.Actor(r))
	if err == nil {
		err = s.StartSession(w, r, mended, false)
	}
	if errors.Is(err, session.ErrSecond) {
		return web.SeeOther(w, "/auth?other=1&done=password")
	}
	if err == nil || errors.Is(err, account.ErrLink) {
		return s.redirectHome(w, r, err)
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.Render(w, status, "reset", ResetPage{Action: r.URL.Path, Username: link.Username, Problem: problem})
	})
}

func (s *Room) redirectHome(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return err
	}
	s.noteSignIn(r, "")
	return web.SeeOther(w, "/")
}
