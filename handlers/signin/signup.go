package signin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
)

// SignUpPage is the data of /join.
type SignUpPage struct {
	web.Layout

	Username, Email string // as typed
	Problem         string
	Approval        bool // whether an owner has to approve the account
	Waits           bool // the account was created, and waits for approval
	Mail            bool // whether the account is created by a mailed link
	Sent            bool // the form was sent, and the mail was queued
}

// UsernameRule returns the sentence that describes a valid username.
func (SignUpPage) UsernameRule() string { return web.UsernameRule }

// SignUpForm answers GET /join: the form that creates an account without an invitation.
// With the arg done it says that the account waits for approval, or that a mail will
// come.
func (s *Room) SignUpForm(w http.ResponseWriter, r *http.Request) error {
	args, err := web.ReadArgs(r, "done")
	if err != nil {
		return err
	}
	if s.empty(r.Context()) {
		return errOwnerFirst
	}
	p := s.signUpPage()
	p.Waits, p.Sent = p.Approval && args.Has("done"), p.Mail && args.Has("done")
	return s.Render(w, http.StatusOK, "signup", p)
}

// signUpPage returns the data of the form without input.
func (s *Room) signUpPage() SignUpPage {
	approval := s.SignUp == account.ByApproval
	return SignUpPage{Approval: approval, Mail: !approval && s.Accounts.Mail.Works()}
}

// SignUpSubmit answers POST /join: it creates a member's account, signs the person in and
// answers 303 to /. If an owner has to approve the account, or a mailed link creates it,
// it answers 303 to /join, which says so. Otherwise it shows the form again.
func (s *Room) SignUpSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "username", "password", "email")
	if err != nil {
		return err
	}
	p := s.signUpPage()
	p.Username, p.Email = account.Trim(form.Get("username")), account.Trim(form.Get("email"))
	attempt := s.Attempt(r, p.Username, form.Get("password"))
	if p.Mail {
		if err = s.Authn.AskSignUp(r.Context(), attempt, p.Email); err == nil {
			return web.SeeOther(w, "/join?done=sent")
		}
		return s.signUpAgain(w, r, p, err)
	}
	made, err := s.Authn.SignUp(r.Context(), attempt, p.Email, p.Approval)
	if err == nil && p.Approval {
		return web.SeeOther(w, "/join?done=waiting")
	}
	if err == nil {
		err = s.StartSession(w, r, made, false)
	}
	if err == nil {
		return s.redirectHome(w, r, nil)
	}
	return s.signUpAgain(w, r, p, err)
}

// signUpAgain shows the form again with the text for the error.
func (s *Room) signUpAgain(w http.ResponseWriter, r *http.Request, p SignUpPage, err error) error {
	if errors.Is(err, account.ErrNoOwner) {
		return errOwnerFirst
	}
	again := func(problem string, status int) error {
		p.Problem = problem
		return s.Render(w, status, "signup", p)
	}
	if soon, ok := errors.AsType[authn.TooSoonError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(soon.Seconds()))
		return again(tooMany(soon.Seconds()), http.StatusTooManyRequests)
	}
	return s.RerenderForm(w, r, err, again)
}

// tooMany returns a text that says how long to wait.
func tooMany(seconds int) string {
	return fmt.Sprintf("Too many new accounts were asked for within an hour. Wait %d minutes, then try again.", (seconds+59)/60)
}
