package self

import (
	"net/http"

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
	err = s.Accounts.SetProfile(r.Context(), me.Username, form.Get("name"), form.Get("email"), web.Actor(r))
	if err == nil {
		return web.SeeOther(w, "/account?done=profile")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p := ProfilePage{Layout: layout(me), Name: form.Get("name"), Email: form.Get("email"), Problem: problem}
		return s.Render(w, status, "account-profile", p)
	})
}
