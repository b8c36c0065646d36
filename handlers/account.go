package handlers

import (
	"errors"
	"net/http"

	"github.com/mileusna/useragent"

	"glassjar/utl/account"
)

type accountPage struct {
	chrome

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
func (p accountPage) Others() bool { return len(p.Devices) > 1 }

type deviceRow struct {
	ID, Name, Address, Since, Seen string
	This                           bool
}

// account answers GET /account: the account, where it is signed in, and what
// happened to it lately.
func (s *site) account(w http.ResponseWriter, r *http.Request, me account.Account) error {
	args, err := readArgs(r, "done")
	if err != nil {
		return err
	}
	return s.accountShow(w, r, http.StatusOK, me, accountPage{Done: args.Get("done") == "password"})
}

func (s *site) accountShow(w http.ResponseWriter, r *http.Request, status int, me account.Account, p accountPage) error {
	sessions, err := s.Sessions.List(r.Context(), me.ID)
	if err != nil {
		return err
	}
	for _, one := range sessions {
		p.Devices = append(p.Devices, deviceRow{
			ID: one.ID, Name: device(one.Agent), Address: one.Address, Since: when(one.Started), Seen: when(one.Seen),
			This: one.SID == visitOf(r).session.SID,
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
	p.chrome = chrome{Me: me, Here: "/account"}
	return s.show(w, status, "account", p)
}

// device says in words which browser the User-Agent is of.
func device(agent string) string {
	ua := useragent.Parse(agent)
	switch {
	case ua.Name == "":
		return "Unknown browser"
	case ua.OS == "":
		return ua.Name
	}
	return ua.Name + " on " + ua.OS
}

// passwordSubmit answers POST /account/password: it changes the password, ends
// the account's other sessions, gives this one a new sid and answers 303, or
// shows the form again.
func (s *site) passwordSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := readForm(r, "current", "password")
	if err != nil {
		return err
	}
	err = s.proving(w, r, me, func() error {
		changed, err := s.Accounts.ChangePassword(r.Context(), me, form.Get("current"), form.Get("password"), by(r))
		if err != nil {
			return err
		}
		return s.start(w, r, changed, visitOf(r).session.Remember)
	})
	if err == nil {
		return seeOther(w, "/account?done=password")
	}
	return s.formAgain(w, r, err, func(problem string, status int) error {
		return s.accountShow(w, r, status, me, accountPage{Problem: problem})
	})
}

// proving does what needs the current password, throttled like a sign-in:
// whoever found a browser open may not guess the password in it.
func (s *site) proving(w http.ResponseWriter, r *http.Request, me account.Account, do func() error) error {
	try, err := s.begin(w, r, me.Username, true)
	if err != nil {
		return err
	}
	defer try.Done()
	if err = do(); errors.Is(err, account.ErrSignIn) {
		return s.failed(r, try, "wrong current password")
	}
	return err
}

// deviceEnd answers POST /account/sessions/{id}/end: that session of one's own
// ends, 303.
func (s *site) deviceEnd(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Sessions.EndDevice(r.Context(), me.ID, r.PathValue("id"), by(r)); err != nil {
		return err
	}
	return seeOther(w, "/account")
}

// devicesEndOthers answers POST /account/sessions/end-others: all one's other
// sessions end, 303.
func (s *site) devicesEndOthers(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Sessions.EndOthers(r.Context(), me.ID, visitOf(r).session.SID, by(r)); err != nil {
		return err
	}
	return seeOther(w, "/account")
}
