package self

import (
	"fmt"
	"net/http"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/factor"
)

// RecoveryPage is the data of /account/recovery.
type RecoveryPage struct {
	web.Layout
	onward

	Second     bool // whether the account has a second factor, which recovery codes replace
	Left       int
	Of         int
	CreatedAt  web.Moment // zero: there are no codes
	LastUsedAt web.Moment
	Problem    string
}

// RecoveryMadePage is the data of the page that shows new recovery codes.
type RecoveryMadePage struct {
	web.Layout
	onward

	Done  string
	Day   string
	Codes []recoveryCode // shown only this once
}

type recoveryCode struct {
	N    int
	Text string
}

// Joined returns the codes separated by spaces.
func (p RecoveryMadePage) Joined() string {
	texts := make([]string, len(p.Codes))
	for i, c := range p.Codes {
		texts[i] = c.Text
	}
	return strings.Join(texts, " ")
}

// Recovery answers GET /account/recovery: how many codes are left, and the form that
// creates new ones. After a sign-in with a recovery code, the arg next is the URL to
// continue to.
func (s *Room) Recovery(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	args, err := web.ReadArgs(r, "next")
	if err != nil {
		return err
	}
	return s.showRecovery(w, r, http.StatusOK, RecoveryPage{Layout: layout(proven.Account()), onward: s.onward(w, args.Get("next"))})
}

func (s *Room) showRecovery(w http.ResponseWriter, r *http.Request, status int, p RecoveryPage) error {
	st, err := s.Factors.Of(r.Context(), p.Me.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	p.Second, p.Left, p.Of = st.Second(), st.Recovery.Left, factor.RecoveryCodes
	p.CreatedAt, p.LastUsedAt = web.MomentAt(st.Recovery.CreatedAt, now), web.MomentAt(st.Recovery.LastUsedAt, now)
	return s.Render(w, status, "account-recovery", p)
}

// RecoverySubmit answers POST /account/recovery: 200 with new codes, which replace the
// old ones.
func (s *Room) RecoverySubmit(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	codes, err := s.Factors.NewRecovery(r.Context(), me.Identity, web.Actor(r))
	if err == nil {
		return s.showRecoveryMade(w, RecoveryMadePage{Layout: layout(me)}, codes)
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.showRecovery(w, r, status, RecoveryPage{Layout: layout(me), Problem: problem})
	})
}

func (s *Room) showRecoveryMade(w http.ResponseWriter, p RecoveryMadePage, codes []string) error {
	p.Day = s.Now().UTC().Format("2 Jan 2006")
	for i, code := range codes {
		p.Codes = append(p.Codes, recoveryCode{i + 1, code})
	}
	return s.Render(w, http.StatusOK, "account-recovery-made", p)
}

// RecoveryFile answers POST /account/recovery/file: the codes that the page showed, as
// plain text. Only their hashes are stored, so the form sends the codes, and they are
// returned only if they are the person's own.
func (s *Room) RecoveryFile(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "codes")
	if err != nil {
		return err
	}
	codes, err := s.Factors.Theirs(r.Context(), me.ID, form.Get("codes"))
	if err != nil {
		return s.RerenderForm(w, r, err, func(string, int) error { return web.ErrForm })
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "recovery-codes-"+me.Username+".txt"))
	var b strings.Builder
	fmt.Fprintf(&b, "Recovery codes of %s at %s, %s\nEach signs in once, in place of the six digits or a passkey.\n\n", me.Username, s.PublicURL, s.Now().UTC().Format("2 Jan 2006"))
	for i, code := range codes {
		fmt.Fprintf(&b, "%d  %s\n", i+1, code)
	}
	_, err = w.Write([]byte(b.String()))
	return err
}

// RecoverySaved answers POST /account/recovery/saved: it stores that the codes are saved,
// which removes the banner on /account, 303 to the field next, or to /account.
func (s *Room) RecoverySaved(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "next")
	if err != nil {
		return err
	}
	if err := s.Factors.SaveRecovery(r.Context(), me.Identity, web.Actor(r)); err != nil {
		return err
	}
	return s.onward(w, form.Get("next")).or(w, "/account?done=recovery")
}
