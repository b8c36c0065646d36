package handlers

import (
	"errors"
	"net/http"

	"glassjar/utl/account"
)

type joinPage struct {
	chrome

	Action   string
	Role     string
	Username string
	Problem  string
}

// UsernameRule says what a username is.
func (joinPage) UsernameRule() string { return usernameRule }

type resetPage struct {
	chrome

	Action   string
	Username string
	Problem  string
}

// joinForm answers GET /join/{code}: the form that makes an account, or 410.
func (s *site) joinForm(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Join, r.PathValue("code"))
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "join", joinPage{Action: r.URL.Path, Role: link.Role})
}

// joinSubmit answers POST /join/{code}: it makes the account, signs the person
// in and answers 303 to /, or shows the form again.
func (s *site) joinSubmit(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Join, r.PathValue("code"))
	if err != nil {
		return err
	}
	form, err := readForm(r, "username", "password")
	if err != nil {
		return err
	}
	made, err := s.Accounts.Join(r.Context(), r.PathValue("code"), form.Get("username"), form.Get("password"), by(r))
	if err == nil {
		err = s.start(w, r, made, false)
	}
	if err == nil || errors.Is(err, account.ErrLink) {
		return s.thenHome(w, r, err)
	}
	return s.formAgain(w, r, err, func(problem string, status int) error {
		return s.show(w, status, "join", joinPage{
			Action: r.URL.Path, Role: link.Role, Username: account.Trim(form.Get("username")), Problem: problem,
		})
	})
}

// resetForm answers GET /reset/{code}: the form that sets a password, or 410.
func (s *site) resetForm(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Reset, r.PathValue("code"))
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "reset", resetPage{Action: r.URL.Path, Username: link.Username})
}

// resetSubmit answers POST /reset/{code}: it sets the password, ends every
// session of the account, signs the person in and answers 303 to /, or shows
// the form again.
func (s *site) resetSubmit(w http.ResponseWriter, r *http.Request) error {
	link, err := s.Accounts.Link(r.Context(), account.Reset, r.PathValue("code"))
	if err != nil {
		return err
	}
	form, err := readForm(r, "password")
	if err != nil {
		return err
	}
	mended, err := s.Accounts.Reset(r.Context(), r.PathValue("code"), form.Get("password"), by(r))
	if err == nil {
		err = s.start(w, r, mended, false)
	}
	if err == nil || errors.Is(err, account.ErrLink) {
		return s.thenHome(w, r, err)
	}
	return s.formAgain(w, r, err, func(problem string, status int) error {
		return s.show(w, status, "reset", resetPage{Action: r.URL.Path, Username: link.Username, Problem: problem})
	})
}

func (s *site) thenHome(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return err
	}
	s.noteSignIn(r, "")
	return seeOther(w, "/")
}
