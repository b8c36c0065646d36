package people

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/mail"
)

// daysOffered is the default validity of an invitation in the form, in days.
const daysOffered = "7"

// InvitePage is the data of /people/invite.
type InvitePage struct {
	web.Layout

	Email, Role, Groups, Days string // as typed
	Mail                      bool   // whether mail is set up
	Problem                   string
}

// InviteForm answers GET /people/invite: the form for an invitation.
func (s *Room) InviteForm(w http.ResponseWriter, _ *http.Request, me web.Owned) error {
	return s.Render(w, http.StatusOK, "people-invite", InvitePage{Layout: layout(me), Role: account.Member, Days: daysOffered, Mail: s.Accounts.Mail.Works()})
}

// InviteSubmit answers POST /people/invite: it creates an invitation and answers 200 with
// its link: the code is not stored. If mail is set up, a second link is mailed to the
// email address. Or it shows the form again.
func (s *Room) InviteSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	form, err := web.ReadForm(r, "email", "role", "groups", "days")
	if err != nil {
		return err
	}
	p := InvitePage{Layout: layout(me), Mail: s.Accounts.Mail.Works(), Email: form.Get("email"), Role: form.Get("role"), Groups: form.Get("groups"), Days: form.Get("days")}
	wanted := account.Invitation{Role: p.Role, Groups: web.TypedList(strings.ToLower(p.Groups)), Email: p.Email, Days: days(p.Days)}
	if !form.Has("days") { // a program's form: account.LinkLife
		wanted.Days = 1
	}
	began := s.Accounts.Now()
	code, err := s.Accounts.NewInvitation(r.Context(), wanted, web.Actor(r))
	if err == nil {
		return s.Render(w, http.StatusOK, "link", LinkPage{
			Layout: layout(me), Title: "Pass this link on", Link: s.PublicURL.JoinPath(account.Join, code).String(),
			Lead: "Whoever opens it makes an account here, once, until " + s.Now().Add(time.Duration(wanted.Days)*24*time.Hour).UTC().Format(web.TimeLayout) + ".",
			Note: "For " + role(p.Role) + ", in " + inGroups(wanted.Groups) + "." + s.mailed(r, mail.Invitation, p.Email, began) + " You can withdraw the link under People.",
			Back: "/people", Called: "People",
		})
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.Render(w, status, "people-invite", p)
	})
}

// mailed returns a sentence that says whether the link was mailed too since the time, or "" if
// it was not asked for or is not known.
func (s *Room) mailed(r *http.Request, kind mail.Kind, to string, since time.Time) string {
	if to = account.Trim(to); to == "" || !s.Accounts.Mail.Works() {
		return ""
	}
	switch taken, err := s.Accounts.Mailed(r.Context(), kind, to, since); {
	case err != nil:
		return ""
	case !taken:
		return " No mail with it was sent to " + to + ": too many went there today, or too many wait to be sent."
	}
	return " A mail with it is on its way to " + to + "."
}

// days returns the typed number of days, or an invalid number.
func days(typed string) int {
	n, err := strconv.Atoi(strings.TrimSpace(typed))
	if err != nil || n < 1 {
		return -1
	}
	return n
}

func role(name string) string {
	if name == account.Owner {
		return "an owner"
	}
	return "a member"
}

func inGroups(all []string) string {
	if len(all) == 0 {
		return "no group"
	}
	return strings.Join(all, ", ")
}

// invitation is an unused invitation in the list.
type invitation struct {
	ID, For, Role, Groups, By string
	Ends                      string
}

// invitations returns the newest unused invitations, and whether there are more.
func (s *Room) invitations(r *http.Request) (rows []invitation, more bool, err error) {
	all, err := s.Accounts.Invitations(r.Context(), "")
	if more = len(all) > account.InvitationsPage; more {
		all = all[:account.InvitationsPage]
	}
	for _, one := range all {
		row := invitation{
			ID: one.ID, For: one.Email, Role: role(one.Role), Groups: inGroups(one.Groups), By: one.By,
			Ends: one.Expires.UTC().Format(web.TimeLayout),
		}
		if row.For == "" {
			row.For = "No address"
		}
		rows = append(rows, row)
	}
	return rows, more, err
}

// WithdrawSubmit answers POST /people/invitations/{id}/withdraw: it withdraws the invitation, 303; or
// 410.
func (s *Room) WithdrawSubmit(w http.ResponseWriter, r *http.Request, _ web.Owned) error {
	if err := s.Accounts.Withdraw(r.Context(), r.PathValue("id"), web.Actor(r)); err != nil {
		return err
	}
	return web.SeeOther(w, "/people?done=withdrawn")
}
