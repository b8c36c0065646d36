package people

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/browser"
	"glassjar/utl/factor"
)

// eventsShown is how many events a person's page shows.
const eventsShown = 5

// PersonPage is the data of /people/{username}.
type PersonPage struct {
	web.Layout

	Person        account.Person
	Created, Seen web.Moment
	Locked        string // until when it is locked; empty: not locked
	Groups        string // as typed
	Factors       string // second factors as text; empty: none
	Devices       []device
	Events        []web.EventRow
	Done          string // what was just done, as a sentence
	Problem       string
}

// device is a browser in which the person is signed in.
type device struct {
	Name, Address string
	Since, Seen   web.Moment
}

// done are the sentences of the person's page for what was just done.
var done = map[string]string{
	"profile": "The profile is saved.", "groups": "The groups are saved.", "role": "The role is saved.",
	"disable": "The account is disabled, and signed out everywhere.", "enable": "The account is enabled: the person can sign in again.",
	"approve":       "The account is approved: the person can sign in.",
	"unlock":        "The lock is lifted: the password, the email address and the ways to sign in can be changed again.",
	"clear-factors": "The person has only a password now, no app password, and is signed out everywhere.",
	"end-sessions":  "The person is signed out everywhere.",
}

// Person answers GET /people/{username}: the account, where it is signed in, and its recent events; or
// 404.
func (s *Room) Person(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	args, err := web.ReadArgs(r, "done")
	if err != nil {
		return err
	}
	one, err := s.person(r)
	if err != nil {
		return err
	}
	return s.showPerson(w, r, http.StatusOK, me, PersonPage{Person: one, Done: done[args.Get("done")]})
}

func (s *Room) showPerson(w http.ResponseWriter, r *http.Request, status int, me web.Owned, p PersonPage) error {
	sessions, err := s.Sessions.List(r.Context(), p.Person.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	for _, one := range sessions {
		p.Devices = append(p.Devices, device{browser.Words(one.Agent), one.Address, web.MomentAt(one.Started, now), web.MomentAt(one.Seen, now)})
	}
	st, err := s.Factors.Of(r.Context(), p.Person.ID)
	if err != nil {
		return err
	}
	p.Factors = factorsOf(st)
	events, err := s.Accounts.Events(r.Context(), p.Person.ID, eventsShown)
	if err != nil {
		return err
	}
	p.Events = web.EventRows(events, now)
	p.Layout, p.Created, p.Seen = layout(me), web.MomentAt(p.Person.Created, now), web.MomentAt(p.Person.Seen, now)
	if p.Person.Locked(now) {
		p.Locked = web.FormatTime(p.Person.LockedUntil)
	}
	p.Groups = strings.Join(p.Person.GroupList(), " ")
	return s.Render(w, status, "person", p)
}

// act runs do for the person in the path, and answers 303 to the person's page, or shows
// it again with what is wrong.
func (s *Room) act(w http.ResponseWriter, r *http.Request, me web.Owned, name string, do func(account.Person) error) error {
	one, err := s.person(r)
	if err != nil {
		return err
	}
	if err = do(one); err == nil {
		return web.SeeOther(w, "/people/"+one.Username+"?done="+name)
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.showPerson(w, r, status, me, PersonPage{Person: one, Problem: problem})
	})
}

// ProfileSubmit answers POST /people/{username}/profile: it sets the name and the email
// address; a new address is not confirmed.
func (s *Room) ProfileSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	form, err := web.ReadForm(r, "name", "email")
	if err != nil {
		return err
	}
	return s.act(w, r, me, "profile", func(p account.Person) error {
		return s.Accounts.SetProfile(r.Context(), p.Username, form.Get("name"), form.Get("email"), web.Actor(r))
	})
}

// GroupsSubmit answers POST /people/{username}/groups: it sets the account's groups.
func (s *Room) GroupsSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	form, err := web.ReadForm(r, "groups")
	if err != nil {
		return err
	}
	return s.act(w, r, me, "groups", func(p account.Person) error {
		return s.Accounts.SetGroups(r.Context(), p.Username, web.TypedList(strings.ToLower(form.Get("groups"))), web.Actor(r))
	})
}

// RoleSubmit answers POST /people/{username}/role: it sets the account's role.
func (s *Room) RoleSubmit(w http.ResponseWriter, r *http.Request, me web.ProvenOwner) error {
	form, err := web.ReadForm(r, "role")
	if err != nil {
		return err
	}
	return s.act(w, r, me.Owner(), "role", func(p account.Person) error {
		return s.Accounts.SetRole(r.Context(), p.Username, form.Get("role"), web.Actor(r))
	})
}

// factorsOf returns the person's second factors as text.
func factorsOf(st factor.State) string {
	var all []string
	if !st.App.IsZero() {
		all = append(all, "an authenticator app")
	}
	if st.Passkeys > 0 {
		all = append(all, fmt.Sprintf("passkeys: %d", st.Passkeys))
	}
	if !st.Recovery.CreatedAt.IsZero() {
		all = append(all, fmt.Sprintf("recovery codes left: %d", st.Recovery.Left))
	}
	return strings.Join(all, ", ")
}

// ClearFactorsSubmit answers POST /people/{username}/clear-factors: it removes every
// factor but the password, and ends all sessions.
func (s *Room) ClearFactorsSubmit(w http.ResponseWriter, r *http.Request, me web.ProvenOwner) error {
	return s.act(w, r, me.Owner(), "clear-factors", func(p account.Person) error {
		err := s.Factors.Clear(r.Context(), p.Identity, web.Actor(r))
		if errors.Is(err, factor.ErrOff) {
			return errOnlyPassword
		}
		return err
	})
}

// DisableSubmit answers POST /people/{username}/disable: it disables the account.
func (s *Room) DisableSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	return s.act(w, r, me, "disable", func(p account.Person) error { return s.Accounts.Disable(r.Context(), p.Username, web.Actor(r)) })
}

// EnableSubmit answers POST /people/{username}/enable: it enables the account.
func (s *Room) EnableSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	return s.act(w, r, me, "enable", func(p account.Person) error { return s.Accounts.Enable(r.Context(), p.Username, web.Actor(r)) })
}

// ApproveSubmit answers POST /people/{username}/approve: it approves the account, which
// can then sign in.
func (s *Room) ApproveSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	return s.act(w, r, me, "approve", func(p account.Person) error { return s.Accounts.Approve(r.Context(), p.Username, web.Actor(r)) })
}

// RejectSubmit answers POST /people/{username}/reject: it deletes the account that waits
// for approval, 303 to /people.
func (s *Room) RejectSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	one, err := s.person(r)
	if err != nil {
		return err
	}
	if err := s.Accounts.Reject(r.Context(), one.Username, web.Actor(r)); err != nil {
		return s.RerenderForm(w, r, err, func(problem string, status int) error {
			return s.showPerson(w, r, status, me, PersonPage{Person: one, Problem: problem})
		})
	}
	return web.SeeOther(w, "/people?done=rejected")
}

// UnlockSubmit answers POST /people/{username}/unlock: it unlocks the account, unless it
// is the owner's own.
func (s *Room) UnlockSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	return s.act(w, r, me, "unlock", func(p account.Person) error { return s.Accounts.Unlock(r.Context(), p.Username, web.Actor(r)) })
}

// EndSessionsSubmit answers POST /people/{username}/end-sessions: it ends all sessions of
// the account.
func (s *Room) EndSessionsSubmit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	return s.act(w, r, me, "end-sessions", func(p account.Person) error {
		return s.Accounts.EndSessions(r.Context(), p.Username, web.Actor(r))
	})
}
