package self

import (
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/browser"
)

// AccountPage is the data of /account.
type AccountPage struct {
	web.Layout

	Done    bool // the password was changed just now
	Problem string
	Devices []deviceRow
	Events  []eventRow
	Refused refusedTries

	Gate         bool // whether there is anything for app passwords to open
	AppPasswords []appPasswordRow
	New          newAppPassword
}

// Others reports whether the person is signed in elsewhere too.
func (p AccountPage) Others() bool { return len(p.Devices) > 1 }

type deviceRow struct {
	ID, Name, Address, Since, Seen string
	This                           bool
}

// Account answers GET /account: the account, where it is signed in, and what
// happened to it lately.
func (s *Room) Account(w http.ResponseWriter, r *http.Request, me account.Account) error {
	args, err := web.ReadArgs(r, "done")
	if err != nil {
		return err
	}
	return s.showAccount(w, r, http.StatusOK, me, AccountPage{Done: args.Get("done") == "password"})
}

func (s *Room) showAccount(w http.ResponseWriter, r *http.Request, status int, me account.Account, p AccountPage) error {
	sessions, err := s.Sessions.List(r.Context(), me.ID)
	if err != nil {
		return err
	}
	for _, one := range sessions {
		p.Devices = append(p.Devices, deviceRow{
			ID: one.ID, Name: browser.Words(one.Agent), Address: one.Address, Since: web.FormatTime(one.Started), Seen: web.FormatTime(one.Seen),
			This: one.SID == web.InfoOf(r).Session.SID,
		})
	}
	if p.Events, p.Refused, err = s.recent(r.Context(), me); err != nil {
		return err
	}
	if p.Gate = s.Gate.Answers(); p.Gate {
		if p.AppPasswords, err = s.appPasswords(r, me); err != nil {
			return err
		}
	}
	p.Layout = web.Layout{Me: me, Here: "/account"}
	return s.Render(w, status, "account", p)
}

// PasswordSubmit answers POST /account/password: it changes the password, ends
// the account's other sessions, gives this one a new sid and answers 303, or
// shows the form again.
func (s *Room) PasswordSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "current", "password")
	if err != nil {
		return err
	}
	err = s.Authn.Reauthenticate(r.Context(), s.Attempt(r, me.Username, ""), func() error {
		changed, err := s.Accounts.ChangePassword(r.Context(), me, form.Get("current"), form.Get("password"), web.Actor(r))
		if err != nil {
			return err
		}
		return s.StartSession(w, r, changed, web.InfoOf(r).Session.Remember)
	})
	if err == nil {
		return web.SeeOther(w, "/account?done=password")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.showAccount(w, r, status, me, AccountPage{Problem: problem})
	})
}

// DeviceEnd answers POST /account/sessions/{id}/end: that session of one's own
// ends, 303.
func (s *Room) DeviceEnd(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Sessions.EndDevice(r.Context(), me.ID, r.PathValue("id"), web.Actor(r)); err != nil {
		return err
	}
	return web.SeeOther(w, "/account")
}

// DevicesEndOthers answers POST /account/sessions/end-others: all one's other
// sessions end, 303.
func (s *Room) DevicesEndOthers(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Sessions.EndOthers(r.Context(), me.ID, web.InfoOf(r).Session.SID, web.Actor(r)); err != nil {
		return err
	}
	return web.SeeOther(w, "/account")
}
