package people

import (
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/mail"
)

// LinkPage is the data of the page that shows a new link, only this once.
type LinkPage struct {
	web.Layout

	Title, Lead, Note string
	Link              string
	Back              string // URL of the page to continue to
	Called            string // name of that page
}

// ResetSubmit answers POST /people/{username}/reset: it creates a link that sets a new
// password, and answers 200 with it: its code is not stored. If mail is set up, a second
// link is mailed to the person's confirmed email address.
func (s *Room) ResetSubmit(w http.ResponseWriter, r *http.Request, proven web.ProvenOwner) error {
	me := proven.Owner()
	one, err := s.person(r)
	if err != nil {
		return err
	}
	began := s.Accounts.Now()
	code, err := s.Accounts.NewReset(r.Context(), one.Username, web.Actor(r))
	if err != nil {
		return s.RerenderForm(w, r, err, func(problem string, status int) error {
			return s.showPerson(w, r, status, me, PersonPage{Person: one, Problem: problem})
		})
	}
	to := ""
	if one.EmailConfirmed {
		to = one.Email
	}
	return s.Render(w, http.StatusOK, "link", LinkPage{
		Layout: layout(me), Title: "Pass this link on", Link: s.PublicURL.JoinPath(account.Reset, code).String(),
		Lead: "It sets a new password for " + one.Username + ", once, within 24 hours.",
		Note: "Be sure whom you give it to: whoever opens it can sign in as " + one.Username + "." + s.mailed(r, mail.Reset, to, began),
		Back: "/people/" + one.Username, Called: one.Called(),
	})
}

// DeletePage is the data of /people/{username}/delete.
type DeletePage struct {
	web.Layout

	Person  account.Person
	Problem string
}

// DeleteForm answers GET /people/{username}/delete: what is deleted and what stays, and a
// field for the username.
func (s *Room) DeleteForm(w http.ResponseWriter, r *http.Request, proven web.ProvenOwner) error {
	me := proven.Owner()
	one, err := s.person(r)
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, "person-delete", DeletePage{Layout: layout(me), Person: one})
}

// DeleteSubmit answers POST /people/{username}/delete: it deletes the account, 303 to
// /people; or shows the form again if the field confirm is not the username.
func (s *Room) DeleteSubmit(w http.ResponseWriter, r *http.Request, proven web.ProvenOwner) error {
	me := proven.Owner()
	one, err := s.person(r)
	if err != nil {
		return err
	}
	form, err := web.ReadForm(r, "confirm")
	if err != nil {
		return err
	}
	if account.Trim(form.Get("confirm")) != one.Username {
		err = errConfirm
	} else {
		err = s.Accounts.Delete(r.Context(), one.Username, web.Actor(r))
	}
	if err == nil {
		return web.SeeOther(w, "/people?done=deleted")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.Render(w, status, "person-delete", DeletePage{Layout: layout(me), Person: one, Problem: problem})
	})
}
