package self

import (
	"encoding/json"
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/browser"
	"glassjar/utl/passkey"
)

// PasskeysPage is the data of /account/passkeys.
type PasskeysPage struct {
	web.Layout

	Done    string // what was done just now, in words
	On      bool   // there can be passkeys at this site
	Site    string // PUBLIC_URL
	Rows    []passkeyRow
	Name    string // as typed, or what the browser suggests
	Options string // what the browser makes a passkey by
	NoCodes bool   // there is a passkey, and no recovery code for when it is lost
	Signal  string // what the device is told, so that it offers removed ones no more; empty: nothing
	Problem string
}

type passkeyRow struct {
	passkey.Passkey

	Elsewhere  bool // it was made for another host
	Made, Used web.Moment
}

// PasskeyPage is the data of /account/passkeys?rename=…
type PasskeyPage struct {
	web.Layout

	ID, Was string
	Made    web.Moment
	Name    string // as typed
	Problem string
}

// passkeysDone is what the arg done of /account/passkeys says, in words.
var passkeysDone = map[string]string{
	"added":   "Your passkey is added. You were signed out everywhere else.",
	"renamed": "Your passkey has its new name.",
	"removed": "Your passkey is removed. You were signed out everywhere else.",
}

// passkeyTroubles is what people are told of the browser's error, by its name. Of
// every other one they are told that it did not work, or that they stopped it.
var passkeyTroubles = map[string]string{
	"InvalidStateError": "This device has a passkey for you already.",
	"NotSupportedError": "This device makes no passkeys that this site can use. Try another one.",
	"SecurityError":     "Your browser makes passkeys for this site at its own address alone. Open that, then try once more.",
}

var (
	errNoAnswer = errors.New("no answer of a passkey")
	errStopped  = errors.New("the browser made no passkey")
)

// Passkeys answers GET /account/passkeys: one's passkeys, and the form for one more.
// With the arg rename, it is the form for another name of the passkey with that id,
// or 404.
func (s *Room) Passkeys(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	args, err := web.ReadArgs(r, "done", "rename")
	if err != nil {
		return err
	}
	me := proven.Account()
	if args.Has("rename") {
		return s.showPasskey(w, r, me, args.Get("rename"))
	}
	return s.showPasskeys(w, r, http.StatusOK, PasskeysPage{Layout: layout(me), Done: passkeysDone[args.Get("done")], Name: s.suggestName(r)}, args.Get("done") == "removed")
}

// suggestName names a new passkey by its browser and the day.
func (s *Room) suggestName(r *http.Request) string {
	return browser.Words(r.UserAgent()) + s.Now().UTC().Format(", 2 Jan")
}

func (s *Room) showPasskeys(w http.ResponseWriter, r *http.Request, status int, p PasskeysPage, signal bool) error {
	p.On, p.Site = s.PasskeyStore.On(), s.PublicURL.String()
	all, err := s.PasskeyStore.List(r.Context(), p.Me.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	for _, one := range all {
		p.Rows = append(p.Rows, passkeyRow{
			Passkey: one, Elsewhere: p.On && one.Host != s.PasskeyStore.Host(), Made: web.MomentAt(one.Made, now), Used: web.MomentAt(one.Used, now),
		})
	}
	if p.On && len(all) < passkey.Most {
		if p.Options, err = s.PasskeyStore.CreateOptions(r.Context(), s.registering(r), p.Me.Identity); err != nil {
			return err
		}
	}
	has, err := s.Factors.Of(r.Context(), p.Me.ID)
	if err != nil {
		return err
	}
	p.NoCodes = len(all) > 0 && has.Recovery.Left == 0
	if p.On && signal {
		if p.Signal, err = s.accepted(all, p.Me.ID); err != nil {
			return err
		}
	}
	return s.Render(w, status, "account-passkeys", p)
}

// registering is what the challenge of a new passkey is for: this session alone.
func (s *Room) registering(r *http.Request) passkey.Question {
	return passkey.Question{Use: passkey.Register, Holder: web.InfoOf(r).Session.SID}
}

// accepted returns what PublicKeyCredential.signalAllAcceptedCredentials takes.
func (s *Room) accepted(all []passkey.Passkey, accountID string) (string, error) {
	ids := []string{}
	for _, one := range all {
		if one.Host == s.PasskeyStore.Host() {
			ids = append(ids, one.Credential)
		}
	}
	text, err := json.Marshal(map[string]any{"rpId": s.PasskeyStore.Host(), "userId": s.PasskeyStore.Handle(accountID), "allAcceptedCredentialIds": ids})
	return string(text), err
}

// PasskeySubmit answers POST /account/passkeys: it registers the passkey that the
// browser made, ends the account's other sessions and answers 200 with the recovery
// codes, if they are the account's first, else 303; or it shows the page again.
func (s *Room) PasskeySubmit(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	form, err := web.ReadForm(r, "name", "answer", "trouble")
	if err != nil {
		return err
	}
	p := PasskeysPage{Layout: layout(me), Name: form.Get("name")}
	var added passkey.Added
	if trouble := form.Get("trouble"); trouble != "" {
		err = errStopped
		if p.Problem = passkeyTroubles[trouble]; p.Problem != "" {
			return s.showPasskeys(w, r, http.StatusUnprocessableEntity, p, false)
		}
	} else if form.Get("answer") == "" {
		err = errNoAnswer
	} else {
		sid := web.InfoOf(r).Session.SID
		added, err = s.PasskeyStore.Add(r.Context(), me.Identity, passkey.Registration{
			Name: form.Get("name"), Answer: form.Get("answer"), Holder: s.registering(r).Holder, SID: sid,
		}, web.Actor(r))
	}
	switch {
	case err == nil && added.Recovery != nil:
		return s.showRecoveryMade(w, me, added.Recovery, passkeysDone["added"])
	case err == nil:
		return web.SeeOther(w, "/account/passkeys?done=added")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.showPasskeys(w, r, status, p, false)
	})
}

func (s *Room) showPasskey(w http.ResponseWriter, r *http.Request, me account.Account, id string) error {
	p, err := s.passkeyPage(r, me, id)
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, "account-passkey", p)
}

func (s *Room) passkeyPage(r *http.Request, me account.Account, id string) (PasskeyPage, error) {
	all, err := s.PasskeyStore.List(r.Context(), me.ID)
	if err != nil {
		return PasskeyPage{}, err
	}
	for _, one := range all {
		if one.ID == id {
			return PasskeyPage{Layout: layout(me), ID: one.ID, Was: one.Name, Name: one.Name, Made: web.MomentAt(one.Made, s.Now())}, nil
		}
	}
	return PasskeyPage{}, web.ErrNotFound
}

// PasskeyRename answers POST /account/passkeys/{id}/rename: 303, the form again, or
// 404.
func (s *Room) PasskeyRename(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	form, err := web.ReadForm(r, "name")
	if err != nil {
		return err
	}
	p, err := s.passkeyPage(r, me, r.PathValue("id"))
	if err == nil {
		err = notFound(s.PasskeyStore.Rename(r.Context(), me.Identity, p.ID, form.Get("name"), web.Actor(r)))
	}
	if err == nil {
		return web.SeeOther(w, "/account/passkeys?done=renamed")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem, p.Name = problem, form.Get("name")
		return s.Render(w, status, "account-passkey", p)
	})
}

// PasskeyRemove answers POST /account/passkeys/{id}/remove: that passkey of one's own
// opens nothing more, the account's other sessions end, 303; or 404.
func (s *Room) PasskeyRemove(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	err := s.PasskeyStore.Remove(r.Context(), proven.Account().Identity, r.PathValue("id"), web.InfoOf(r).Session.SID, web.Actor(r))
	if err != nil {
		return notFound(err)
	}
	return web.SeeOther(w, "/account/passkeys?done=removed")
}

// notFound returns web.ErrNotFound for a passkey that the account has not.
func notFound(err error) error {
	if errors.Is(err, passkey.ErrUnknown) {
		return web.ErrNotFound
	}
	return err
}
