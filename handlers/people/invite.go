package people

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// daysOffered is how long an invitation is good unless the form says otherwise.
const daysOffered = "7"

// InvitePage is the data of /people/invite.
type InvitePage struct {
	web.Layout

	Email, Role, Groups, Days string // as typed
	Mail                      bool   // mail is set up
	Problem                   string
}

// InviteForm answers GET /people/invite.
func (s *Room) InviteForm(w http.ResponseWriter, _ *http.Request, me web.Owned) error {
	return s.Render(w, http.StatusOK, "people-invite", InvitePage{Layout: layout(me), Role: account.Member, Days: daysOffered, Mail: s.Accounts.Mail.Works()})
}

// InviteSubmit answers POST /people/invite: it makes a link that makes an account
// and shows it, with 200: it is kept nowhere else. Where mail is set up, one like it
// goes to the email address. Or it shows the form again.
func (s *Room) InviteSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	form, err := web.ReadForm(r, "email", "role", "groups", "days")
	if err != nil {
		return err
	}
	p := InvitePage{Layout: layout(me), Mail: s.Accounts.Mail.Works(), Email: form.Get("email"), Role: form.Get("role"), Groups: form.Get("groups"), Days: form.Get("days")}
	wanted := account.Invitation{Role: p.Role, Groups: groupsOf(p.Groups), Email: p.Email, Days: days(p.Days)}
	code, err := s.Accounts.NewInvitation(r.Context(), wanted, web.Actor(r))
	if err == nil {
		return s.Render(w, http.StatusOK, "link", LinkPage{
			Layout: layout(me), Title: "Pass this link on", Link: s.PublicURL.JoinPath(account.Join, code).String(),
			Lead: "Whoever opens it makes an account here, once, until " + s.Now().Add(time.Duration(wanted.Days)*24*time.Hour).UTC().Format(web.TimeLayout) + ".",
			Note: "For " + role(p.Role) + ", in " + inGroups(wanted.Groups) + "." + s.mailed(account.Trim(p.Email)) + " You can withdraw it under People.",
			Back: "/people", Called: "People",
		})
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.Render(w, status, "people-invite", p)
	})
}

// mailed says that a link is mailed to the address too, where it is.
func (s *Room) mailed(to string) string {
	if to == "" || !s.Accounts.Mail.Works() {
		return ""
	}
	return " A mail with it is on its way to " + to + "."
}

// days returns the number of days that was typed, or one that no invitation may
// have.
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

// invitation is an open invitation in the list.
type invitation struct {
	ID, For, Role, Groups, By string
	Ends                      string
}

// invitations returns the newest open invitations, and whether there are more.
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

// WithdrawSubmit answers POST /people/invitations/{id}/withdraw: nobody can join
// with that link any more, 303; or 410.
func (s *Room) WithdrawSubmit(w http.ResponseWriter, r *http.Request, _ web.Owned) error {
	if err := s.Accounts.Withdraw(r.Context(), r.PathValue("id"), web.Actor(r)); err != nil {
		return err
	}
	return web.SeeOther(w, "/people?done=withdrawn")
}
