package self

import (
	"net/http"
	"net/url"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// ProfilePage is the data of /account/profile.
type ProfilePage struct {
	web.Layout

	Name, Email string // as kept, or as typed
	Problem     string
}

// ProfileForm answers GET /account/profile: the form with name and email address.
func (s *Room) ProfileForm(w http.ResponseWriter, r *http.Request, me account.Account) error {
	person, err := s.Accounts.Person(r.Context(), me.Username)
	if err != nil {
		return err
	}
	p := ProfilePage{layout(me), person.Name, person.Email, ""}
	return s.Render(w, http.StatusOK, "account-profile", p)
}

// ProfileSubmit answers POST /account/profile: it keeps the name and the email
// address, 303, or shows the form again.
func (s *Room) ProfileSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "name", "email")
	if err != nil {
		return err
	}
	if err = s.saveProfile(r, me, form); err == nil {
		return web.SeeOther(w, "/account?done=profile")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p := ProfilePage{Layout: layout(me), Name: form.Get("name"), Email: form.Get("email"), Problem: problem}
		return s.Render(w, status, "account-profile", p)
	})
}

// saveProfile keeps what was typed. The same email address stays confirmed if it
// was; a new one is not confirmed.
func (s *Room) saveProfile(r *http.Request, me account.Account, form url.Values) error {
	person, err := s.Accounts.Person(r.Context(), me.Username)
	if err != nil {
		return err
	}
	if typed := form.Get("email"); !strings.EqualFold(account.Trim(typed), person.Email) {
		if err := s.Accounts.SetEmail(r.Context(), me.Username, typed, false, web.Actor(r)); err != nil {
			return err
		}
	}
	return s.Accounts.SetName(r.Context(), me.Username, form.Get("name"), web.Actor(r))
}
