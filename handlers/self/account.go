package self

import (
	"fmt"
	"net/http"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/browser"
	"glassjar/utl/factor"
	"glassjar/utl/passkey"
)

// AccountPage is the data of /account.
type AccountPage struct {
	web.Layout

	Done    string // what was just done, as a sentence
	Person  account.Person
	Mailed  bool // whether a reset mail would reach the person
	Notices []notice
	Devices []deviceRow
	Events  []web.EventRow
	Refused refusedTries

	Factors        factor.State
	AppOn, AppUsed web.Moment // when the authenticator app was set up and last used
	RecoveryOf     int
	Passkeys       []passkey.Passkey
	PasskeyNames   string
	PasskeysOn     bool // whether there can be passkeys here
	Gate           bool // whether there are gate hosts, where app passwords are used
	AppPasswords   int
	Names          string // of the app passwords, as text
}

// Others reports whether the person is signed in in other browsers too.
func (p AccountPage) Others() bool { return len(p.Devices) > 1 }

// Unsaved reports whether there are recovery codes and the person did not confirm having
// saved them.
func (p AccountPage) Unsaved() bool {
	return !p.Factors.Recovery.CreatedAt.IsZero() && !p.Factors.Recovery.Saved
}

type deviceRow struct {
	ID, Name, Address string
	Since, Seen       web.Moment
	This              bool
}

// done are the sentences of /account for its arg done.
var done = map[string]string{
	"made":         "The account is made. Sign out here to sign in with it.",
	"profile":      "Your profile is saved.",
	"asked":        "Your profile is saved. A mail is on its way to the new address: open the link in it, then the address is confirmed.",
	"unasked":      "Your profile is saved. No mail was sent to the new address, because there are too many just now: save it again tomorrow.",
	"confirmed":    "The email address is confirmed.",
	"locked":       "The account is locked for 24 hours, and signed out everywhere.",
	"code-removed": "Your authenticator app is off. You were signed out everywhere else.",
	"recovery":     "Your recovery codes are saved. You find here how many are left.",
	"password":     "Your password is changed. You were signed out everywhere else.",
}

// Account answers GET /account: an overview of the account, where it is signed in, and recent
// events. Each form has a page of its own.
func (s *Room) Account(w http.ResponseWriter, r *http.Request, me account.Account) error {
	args, err := web.ReadArgs(r, "done")
	if err != nil {
		return err
	}
	p := AccountPage{Layout: layout(me), Done: done[args.Get("done")], Gate: s.Gate.Enabled()}
	if p.Person, err = s.Accounts.Person(r.Context(), me.Username); err != nil {
		return err
	}
	p.Mailed = s.Accounts.Mail.Works() && p.Person.EmailConfirmed
	if p.Notices, err = s.notices(r.Context(), me); err != nil {
		return err
	}
	if p.Devices, err = s.devices(r, me); err != nil {
		return err
	}
	if p.Events, p.Refused, err = s.recent(r.Context(), me); err != nil {
		return err
	}
	if p.Passkeys, err = s.PasskeyStore.List(r.Context(), me.ID); err != nil {
		return err
	}
	if p.Factors, err = s.Factors.Of(r.Context(), me.ID); err != nil {
		return err
	}
	p.AppOn, p.AppUsed, p.RecoveryOf = web.MomentAt(p.Factors.App, s.Now()), web.MomentAt(p.Factors.AppUsed, s.Now()), factor.RecoveryCodes
	p.PasskeysOn = s.PasskeyStore.On()
	p.PasskeyNames = names(p.Passkeys, func(one passkey.Passkey) string { return one.Name })
	if p.Gate {
		all, err := s.Accounts.AppPasswords(r.Context(), me.ID)
		if err != nil {
			return err
		}
		p.AppPasswords, p.Names = len(all), names(all, func(one account.AppPassword) string { return one.Name })
	}
	return s.Render(w, http.StatusOK, "account", p)
}

// layout returns the layout of every page in this room.
func layout(me account.Account) web.Layout { return web.Layout{Me: me, Here: "/account"} }

// devices returns the account's sessions.
func (s *Room) devices(r *http.Request, me account.Account) ([]deviceRow, error) {
	sessions, err := s.Sessions.List(r.Context(), me.ID)
	rows, now := make([]deviceRow, len(sessions)), s.Now()
	for i, one := range sessions {
		rows[i] = deviceRow{
			ID: one.ID, Name: browser.Words(one.Agent), Address: one.Address, Since: web.MomentAt(one.Started, now), Seen: web.MomentAt(one.Seen, now),
			This: one.SID == web.InfoOf(r).Session.SID,
		}
	}
	return rows, err
}

// names returns the names of the first three, and how many more there are, as text.
func names[T any](all []T, name func(T) string) string {
	var first []string
	for _, one := range all[:min(len(all), 3)] {
		first = append(first, name(one))
	}
	if more := len(all) - 3; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(first, ", "), more)
	}
	return strings.Join(first, ", ")
}

// DeviceEnd answers POST /account/sessions/{id}/end: it ends that session of the person's own,
// 303.
func (s *Room) DeviceEnd(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Sessions.EndDevice(r.Context(), me.ID, r.PathValue("id"), web.Actor(r)); err != nil {
		return err
	}
	return web.SeeOther(w, "/account")
}

// DevicesEndOthers answers POST /account/sessions/end-others: it ends all other sessions
// of the person's own, 303.
func (s *Room) DevicesEndOthers(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Sessions.EndOthers(r.Context(), me.ID, web.InfoOf(r).Session.SID, web.Actor(r)); err != nil {
		return err
	}
	return web.SeeOther(w, "/account")
}
