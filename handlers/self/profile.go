package self

import (
	"net/http"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/mail"
)

// ProfilePage is the data of /account/profile.
type ProfilePage struct {
	web.Layout

	Name, Email string // as stored, or as typed
	Prove       string // URL of the proof that is needed before the address can be edited; empty: it can
	CanConfirm  bool   // whether saving mails a confirmation link to the stored address
	Mail        bool   // whether mail is set up
	Problem     string
}

// ProfileForm answers GET /account/profile: the form with name and email address, or with
// the name and a link to the proof that the address needs.
func (s *Room) ProfileForm(w http.ResponseWriter, r *http.Request, me account.Account) error {
	person, err := s.Accounts.Person(r.Context(), me.Username)
	if err != nil {
		return err
	}
	return s.showProfile(w, r, http.StatusOK, ProfilePage{
		Layout: layout(me), Name: person.Name, Email: person.Email, CanConfirm: s.canConfirm(person),
	})
}

// canConfirm reports whether a mailed link can confirm the person's address.
func (s *Room) canConfirm(p account.Person) bool {
	return s.Accounts.Mail.Works() && p.Email != "" && !p.EmailConfirmed
}

func (s *Room) showProfile(w http.ResponseWriter, r *http.Request, status int, p ProfilePage) error {
	if _, ok := s.Prove(r, p.Me); !ok {
		p.Prove = web.ProofOf("/account/profile")
	}
	p.Mail = s.Accounts.Mail.Works()
	return s.Render(w, status, "account-profile", p)
}

// ProfileSubmit answers POST /account/profile: it stores the name and the email address,
// 303, or shows the form again. Another address needs a proof; without the field the
// address stays.
func (s *Room) ProfileSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "name", "email")
	if err != nil {
		return err
	}
	person, err := s.Accounts.Person(r.Context(), me.Username)
	if err != nil {
		return err
	}
	p := ProfilePage{Layout: layout(me), Name: form.Get("name"), Email: person.Email}
	var asked bool // whether a link that confirms the address is to be mailed
	began := s.Accounts.Now()
	if proven, ok := s.Prove(r, me); form.Has("email") && !account.SameEmail(form.Get("email"), p.Email) {
		if !ok {
			return s.ToProve(w, r)
		}
		p.Email = form.Get("email")
		err = s.setProfile(r, proven, p)
		asked = s.Accounts.Mail.Works() && account.Trim(p.Email) != ""
	} else {
		err = s.Accounts.SetName(r.Context(), me.Username, p.Name, web.Actor(r))
		if asked = form.Has("email") && s.canConfirm(person); err == nil && asked {
			err = s.Accounts.AskConfirm(r.Context(), me.Username, web.Actor(r))
		}
	}
	if err == nil {
		return web.SeeOther(w, "/account?done="+s.saved(r, asked, p.Email, began))
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.showProfile(w, r, status, p)
	})
}

// saved returns the value of /account's arg done after the profile was saved: with asked, by
// whether the queue has taken a mail that confirms the address since the time.
func (s *Room) saved(r *http.Request, asked bool, email string, since time.Time) string {
	if !asked {
		return "profile"
	}
	switch taken, err := s.Accounts.Mailed(r.Context(), mail.Confirm, email, since); {
	case err != nil: // the profile is saved, and more is not known
		return "profile"
	case taken:
		return "asked"
	}
	return "unasked"
}

// setProfile stores the name and a changed email address.
func (s *Room) setProfile(r *http.Request, me web.Proven, p ProfilePage) error {
	return s.Accounts.SetProfile(r.Context(), me.Account().Username, p.Name, p.Email, web.Actor(r))
}
