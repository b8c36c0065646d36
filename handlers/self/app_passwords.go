package self

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

var (
	errDays  = errors.New("not a number of days")
	errHosts = errors.New("not hosts that the gate answers for")
)

// maxHosts is how many hosts an app password may be limited to.
const maxHosts = 20

type appPasswordRow struct {
	ID, Name, Hosts                string
	CreatedAt, Expires, LastUsedAt web.Moment

	Expired bool
}

// AppPasswordsPage is the data of /account/app-passwords.
type AppPasswordsPage struct {
	web.Layout

	Gate              bool   // whether there are gate hosts, where app passwords are used
	Prove             string // URL of the proof that is needed before the form is shown; empty: the form is shown
	Rows              []appPasswordRow
	Name, Days, Hosts string // as typed
	Problem           string
}

// AppPasswordMadePage is the data of the page that shows a new app password.
type AppPasswordMadePage struct {
	web.Layout

	AppPassword account.AppPassword
	Hosts       string // empty: every host
	Until       web.Moment
	Secret      string // shown only this once
	Address     string // URL of a host where it can be used
}

// AppPasswords answers GET /account/app-passwords: the app passwords, and the form for a new
// one, or a link to the proof that the form needs.
func (s *Room) AppPasswords(w http.ResponseWriter, r *http.Request, me account.Account) error {
	p := AppPasswordsPage{Layout: layout(me)}
	if _, ok := s.Prove(r, me); !ok {
		p.Prove = web.ProofOf("/account/app-passwords")
	}
	return s.showAppPasswords(w, r, http.StatusOK, p)
}

func (s *Room) showAppPasswords(w http.ResponseWriter, r *http.Request, status int, p AppPasswordsPage) error {
	all, err := s.Accounts.AppPasswords(r.Context(), p.Me.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	for _, one := range all {
		p.Rows = append(p.Rows, appPasswordRow{
			ID: one.ID, Name: one.Name, Hosts: commas(one.Hosts),
			CreatedAt: web.MomentAt(one.CreatedAt, now), Expires: web.MomentAt(one.Expires, now), LastUsedAt: web.MomentAt(one.LastUsedAt, now),
			Expired: !one.Expires.IsZero() && !one.Expires.After(now),
		})
	}
	p.Gate = s.Gate.Enabled()
	return s.Render(w, status, "account-app-passwords", p)
}

// commas adds a space after each comma.
func commas(hosts string) string { return strings.ReplaceAll(hosts, ",", ", ") }

// AppPasswordSubmit answers POST /account/app-passwords: it creates an app password and
// answers 200 with its secret, which is not stored; or it shows the form again.
func (s *Room) AppPasswordSubmit(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	form, err := web.ReadForm(r, "name", "days", "hosts")
	if err != nil {
		return err
	}
	made := AppPasswordMadePage{Layout: layout(me)}
	made.AppPassword, err = s.wantedAppPassword(form)
	if err == nil {
		made.Secret, err = s.Accounts.NewAppPassword(r.Context(), me, made.AppPassword, web.Actor(r))
	}
	if err == nil {
		return s.showMade(w, made)
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p := AppPasswordsPage{Layout: layout(me), Name: form.Get("name"), Days: form.Get("days"), Hosts: form.Get("hosts"), Problem: problem}
		return s.showAppPasswords(w, r, status, p)
	})
}

// showMade shows the secret of a new app password.
func (s *Room) showMade(w http.ResponseWriter, p AppPasswordMadePage) error {
	host, _, _ := strings.Cut(p.AppPassword.Hosts, ",")
	p.Hosts, p.Address = commas(p.AppPassword.Hosts), s.PublicURL.Scheme+"://"+cmp.Or(host, "HOST")+"/"
	p.Until = web.MomentAt(p.AppPassword.Expires, s.Now())
	return s.Render(w, http.StatusOK, "account-app-password-made", p)
}

// wantedAppPassword parses the form's fields. Errors: errDays, errHosts.
func (s *Room) wantedAppPassword(form url.Values) (account.AppPassword, error) {
	p := account.AppPassword{Name: form.Get("name")}
	if typed := strings.TrimSpace(form.Get("days")); typed != "" {
		days, err := strconv.Atoi(typed)
		if err != nil || days < 1 || days > 3650 {
			return p, errDays
		}
		p.Expires = s.Now().Add(time.Duration(days) * 24 * time.Hour)
	}
	hosts := web.TypedList(form.Get("hosts"))
	for i, typed := range hosts {
		name, ok := s.Gate.ParseHost(typed)
		if !ok || len(hosts) > maxHosts {
			return p, errHosts
		}
		hosts[i] = name
	}
	slices.Sort(hosts)
	p.Hosts = strings.Join(slices.Compact(hosts), ",")
	return p, nil
}

// AppPasswordRevoke answers POST /account/app-passwords/{id}/revoke: it revokes that app
// password of the person's own, 303; or 404.
func (s *Room) AppPasswordRevoke(w http.ResponseWriter, r *http.Request, me web.Proven) error {
	err := s.Accounts.RevokeAppPassword(r.Context(), me.Account(), r.PathValue("id"), web.Actor(r))
	if errors.Is(err, account.ErrAppPassword) {
		return web.ErrNotFound
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, "/account/app-passwords")
}
