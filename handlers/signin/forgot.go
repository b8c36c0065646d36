package signin

import (
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/mail"
)

// ForgotPage is the data of /forgot.
type ForgotPage struct {
	web.Layout

	Mail     bool // whether mail is set up; if not, an owner has to help
	Sent     bool // whether the form was sent
	Username string
	Problem  string
}

// ForgotForm answers GET /forgot: the form that requests a mail with a reset link, or, if
// mail is not set up, whom to ask.
func (s *Room) ForgotForm(w http.ResponseWriter, r *http.Request) error {
	args, err := web.ReadArgs(r, "done")
	if err != nil {
		return err
	}
	works := s.Accounts.Mail.Works()
	return s.Render(w, http.StatusOK, "forgot", ForgotPage{Mail: works, Sent: works && args.Get("done") == "sent"})
}

// ForgotSubmit answers POST /forgot: it stores the request and answers 303, the same for
// every name. It does not look the account up; the sender of mails does that later.
func (s *Room) ForgotSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "username")
	if err != nil {
		return err
	}
	if !s.Accounts.Mail.Works() {
		return web.SeeOther(w, "/forgot")
	}
	p := ForgotPage{Mail: true, Username: account.Trim(form.Get("username"))}
	if p.Username == "" {
		p.Problem = "Type your username or your email address."
		return s.Render(w, http.StatusUnprocessableEntity, "forgot", p)
	}
	err = s.Accounts.Mail.Ask(r.Context(), mail.Asked{Typed: p.Username, Address: web.InfoOf(r).Address, Agent: r.UserAgent()})
	if err == nil {
		return web.SeeOther(w, "/forgot?done=sent")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.Render(w, status, "forgot", p)
	})
}
