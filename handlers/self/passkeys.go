package self

import (
	"encoding/json"
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/browser"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// PasskeysPage is the data of /account/passkeys.
type PasskeysPage struct {
	web.Layout
	onward

	Done    string // what was just done, as a sentence
	On      bool   // whether passkeys can be used at this site
	Site    string // PUBLIC_URL
	Rows    []passkeyRow
	Name    string // as typed, or what the browser suggests
	Options string // options of navigator.credentials.create, as JSON
	Key     keyForm
	NoCodes bool   // whether the person has a passkey but no recovery codes
	Signal  string // input of signalAllAcceptedCredentials, as JSON, so that devices stop offering removed passkeys; empty: none
	Problem string
}

// keyForm is the form that adds a security key that does not verify its user, which may only
// follow a password.
type keyForm struct {
	Name    string // as typed, or a suggestion
	Options string // options of navigator.credentials.create, as JSON
	Typed   bool   // whether the input came from this form
}

type passkeyRow struct {
	passkey.Passkey

	Elsewhere             bool // whether it belongs to another host
	CreatedAt, LastUsedAt web.Moment
}

// PasskeyPage is the data of /account/passkeys?rename=…
type PasskeyPage struct {
	web.Layout

	ID, Was   string
	CreatedAt web.Moment
	Name      string // as typed
	Problem   string
}

// passkeysDone are the sentences of /account/passkeys for its arg done.
var passkeysDone = map[string]string{
	"added":   "Your passkey is added. You were signed out everywhere else.",
	"renamed": "Your passkey has its new name.",
	"removed": "Your passkey is removed. You were signed out everywhere else.",
}

// passkeyTroubles are the texts for the browser's errors, by name. For others the page
// says that it did not work or was stopped.
var passkeyTroubles = map[string]string{
	"InvalidStateError": "This device has a passkey for you already.",
	"NotSupportedError": "This device makes no passkeys that this site can use. Try another one.",
	"SecurityError":     "Your browser makes passkeys for this site at its own address alone. Open that, then try once more.",
}

var (
	errNoAnswer = errors.New("no answer of a passkey")
	errStopped  = errors.New("the browser made no passkey")
)

// Passkeys answers GET /account/passkeys: the person's passkeys, and the form for one
// more. With the arg rename it shows the form that renames the passkey with that id, or
// answers 404.
func (s *Room) Passkeys(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	args, err := web.ReadArgs(r, "done", "rename", "next")
	if err != nil {
		return err
	}
	me := proven.Account()
	if args.Has("rename") {
		return s.showPasskey(w, r, me, args.Get("rename"))
	}
	return s.showPasskeys(w, r, http.StatusOK, PasskeysPage{
		Layout: layout(me), onward: s.onward(w, args.Get("next")), Done: passkeysDone[args.Get("done")],
	}, args.Get("done") == "removed")
}

// suggestNames suggests names where none was typed: the browser and the date for a new
// passkey, the date for a new security key.
func (s *Room) suggestNames(r *http.Request, p *PasskeysPage) {
	day := s.Now().UTC().Format(", 2 Jan")
	if p.Name == "" {
		p.Name = browser.Words(r.UserAgent()) + day
	}
	if p.Key.Name == "" {
		p.Key.Name = "Security key" + day
	}
}

func (s *Room) showPasskeys(w http.ResponseWriter, r *http.Request, status int, p PasskeysPage, signal bool) error {
	p.On, p.Site = s.PasskeyStore.On(), s.PublicURL.String()
	all, err := s.PasskeyStore.List(r.Context(), p.Me.ID)
	if err != nil {
		return err
	}
	s.suggestNames(r, &p)
	now := s.Now()
	for _, one := range all {
		p.Rows = append(p.Rows, passkeyRow{
			Passkey: one, Elsewhere: p.On && one.Host != s.PasskeyStore.Host(), CreatedAt: web.MomentAt(one.CreatedAt, now), LastUsedAt: web.MomentAt(one.LastUsedAt, now),
		})
	}
	if p.On && len(all) < passkey.MaxPasskeys {
		if p.Options, err = s.PasskeyStore.CreateOptions(r.Context(), s.registering(r, passkey.Register), p.Me.Identity); err != nil {
			return err
		}
		if p.Key.Options, err = s.PasskeyStore.CreateOptions(r.Context(), s.registering(r, passkey.RegisterKey), p.Me.Identity); err != nil {
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

// registering is the Question of a new passkey: bound to this session.
func (s *Room) registering(r *http.Request, use passkey.Use) passkey.Question {
	return passkey.Question{Use: use, Holder: web.InfoOf(r).Session.SID}
}

// accepted returns the input of PublicKeyCredential.signalAllAcceptedCredentials, as JSON.
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

// PasskeySubmit answers POST /account/passkeys: it registers the passkey that the browser
// created, ends the account's other sessions, and answers 200 with the account's first
// recovery codes, or 303 if it had some; or it shows the page again.
func (s *Room) PasskeySubmit(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	form, err := web.ReadForm(r, "name", "answer", "trouble", "key", "next")
	if err != nil {
		return err
	}
	p := PasskeysPage{Layout: layout(me), onward: s.onward(w, form.Get("next"))}
	if p.Key.Typed = form.Has("key"); p.Key.Typed {
		p.Key.Name = form.Get("name")
	} else {
		p.Name = form.Get("name")
	}
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
			Name: form.Get("name"), Answer: form.Get("answer"), Holder: sid, SID: sid,
		}, web.Actor(r))
	}
	if err == nil {
		s.raise(w, r, me, session.JoinAMR("pwd", added.AMR))
		if added.Recovery == nil {
			return p.or(w, "/account/passkeys?done=added")
		}
		return s.showRecoveryMade(w, RecoveryMadePage{Layout: layout(me), onward: p.onward, Done: passkeysDone["added"]}, added.Recovery)
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
			return PasskeyPage{Layout: layout(me), ID: one.ID, Was: one.Name, Name: one.Name, CreatedAt: web.MomentAt(one.CreatedAt, s.Now())}, nil
		}
	}
	return PasskeyPage{}, web.ErrNotFound
}

// PasskeyRename answers POST /account/passkeys/{id}/rename: 303, or the form again, or 404.
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

// PasskeyRemove answers POST /account/passkeys/{id}/remove: it removes that passkey of the
// person's own and ends the account's other sessions, 303; or 404.
func (s *Room) PasskeyRemove(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	err := s.PasskeyStore.Remove(r.Context(), proven.Account().Identity, r.PathValue("id"), web.InfoOf(r).Session.SID, web.Actor(r))
	if err != nil {
		return notFound(err)
	}
	return web.SeeOther(w, "/account/passkeys?done=removed")
}

// notFound returns web.ErrNotFound if the account does not have the passkey.
func notFound(err error) error {
	if errors.Is(err, passkey.ErrUnknown) {
		return web.ErrNotFound
	}
	return err
}
