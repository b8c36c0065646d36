package signin

import (
	"errors"
	"net/http"
	"net/url"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/session"
)

// ConfirmSignUpPage is the data of /signup/{code}: the account that the link creates, and a
// button that creates it.
type ConfirmSignUpPage struct {
	web.Layout

	Action          string
	Username, Email string
	Other           bool // the username is taken meanwhile: the form asks for another, and a password
	Problem         string
}

// UsernameRule returns the sentence that describes a valid username.
func (ConfirmSignUpPage) UsernameRule() string { return web.UsernameRule }

// takenMeanwhile is the text for somebody whose username another person took meanwhile.
const takenMeanwhile = "Somebody else has taken that username meanwhile. Choose another, and a password for it."

// ConfirmSignUpForm answers GET /signup/{code}: a button that creates the account, or, if its
// username is taken meanwhile, a form for another one; or 410.
func (s *Room) ConfirmSignUpForm(w http.ResponseWriter, r *http.Request) error {
	p, err := s.Accounts.PendingSignUp(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, "signup-confirm", confirmSignUpPage(r, p))
}

func confirmSignUpPage(r *http.Request, p account.PendingSignUp) ConfirmSignUpPage {
	page := ConfirmSignUpPage{Action: r.URL.Path, Username: p.Username, Email: p.Email, Other: p.Taken}
	if p.Taken {
		page.Problem = takenMeanwhile
	}
	return page
}

// ConfirmSignUpSubmit answers POST /signup/{code}: it creates the account and answers 303
// to the sign-in form. It does not sign anybody in: only the password proves that whoever
// has the link is the person who signed up. Otherwise it shows the form again, or 410.
func (s *Room) ConfirmSignUpSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "username", "password")
	if err != nil {
		return err
	}
	made, err := s.Accounts.ConfirmSignUp(r.Context(), r.PathValue("code"), form.Get("username"), form.Get("password"), web.Actor(r))
	if err == nil {
		return s.thenSignIn(w, r, made)
	}
	p, gone := s.Accounts.PendingSignUp(r.Context(), r.PathValue("code"))
	if gone != nil {
		return gone
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		page := confirmSignUpPage(r, p)
		if page.Problem = problem; form.Has("username") {
			page.Other, page.Username = true, account.Trim(form.Get("username"))
		}
		if errors.Is(err, account.ErrTaken) && !form.Has("username") {
			page.Other, page.Problem = true, takenMeanwhile
		}
		return s.Render(w, status, "signup-confirm", page)
	})
}

// thenSignIn answers 303 to the sign-in form with the new username, or to /account for
// somebody who is signed in.
func (s *Room) thenSignIn(w http.ResponseWriter, r *http.Request, made account.Account) error {
	_, err := s.CurrentSession(w, r)
	switch {
	case errors.Is(err, session.ErrNone):
		return web.SeeOther(w, "/auth?"+url.Values{"done": {"made"}, "username": {made.Username}}.Encode())
	case err != nil:
		return err
	}
	return web.SeeOther(w, "/account?done=made")
}
