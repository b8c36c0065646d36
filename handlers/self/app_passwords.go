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
	"unicode"

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
	ID, Name, Hosts, Made, Expires, Used string

	Expired bool
}

// newAppPassword is the form for an app password, and what it made.
type newAppPassword struct {
	Name, Days, Hosts string // as typed
	Problem           string
	Secret            string // shown this once
	Address           string // of what it opens
}

// appPasswords returns the rows of the account's app passwords.
func (s *Room) appPasswords(r *http.Request, me account.Account) ([]appPasswordRow, error) {
	all, err := s.Accounts.AppPasswords(r.Context(), me.ID)
	rows := make([]appPasswordRow, len(all))
	for i, p := range all {
		rows[i] = appPasswordRow{
			ID: p.ID, Name: p.Name, Hosts: strings.ReplaceAll(p.Hosts, ",", ", "), Made: web.FormatTime(p.Made),
			Expired: !p.Expires.IsZero() && !p.Expires.After(s.Now()),
		}
		if !p.Expires.IsZero() {
			rows[i].Expires = web.FormatTime(p.Expires)
		}
		if !p.Used.IsZero() {
			rows[i].Used = web.FormatTime(p.Used)
		}
	}
	return rows, err
}

// AppPasswordSubmit answers POST /account/app-passwords: it makes an app
// password, once the current password is verified, and shows its secret, with
// 200: it is kept nowhere else. Or it shows the form again.
func (s *Room) AppPasswordSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "current", "name", "days", "hosts")
	if err != nil {
		return err
	}
	p := newAppPassword{Name: form.Get("name"), Days: form.Get("days"), Hosts: form.Get("hosts")}
	wanted, err := s.wantedAppPassword(form)
	if err == nil {
		err = s.Authn.Reauthenticate(r.Context(), s.Attempt(r, me.Username, ""), func() (err error) {
			p.Secret, err = s.Accounts.NewAppPassword(r.Context(), me, form.Get("current"), wanted, web.Actor(r))
			return err
		})
	}
	if err == nil {
		host, _, _ := strings.Cut(wanted.Hosts, ",")
		made := newAppPassword{Secret: p.Secret, Address: s.PublicURL.Scheme + "://" + cmp.Or(host, "HOST") + "/"}
		return s.showAccount(w, r, http.StatusOK, me, AccountPage{New: made})
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.showAccount(w, r, status, me, AccountPage{New: p})
	})
}

// wantedAppPassword reads the form's fields. Errors: errDays, errHosts.
func (s *Room) wantedAppPassword(form url.Values) (account.AppPassword, error) {
	p := account.AppPassword{Name: form.Get("name")}
	if typed := strings.TrimSpace(form.Get("days")); typed != "" {
		days, err := strconv.Atoi(typed)
		if err != nil || days < 1 || days > 3650 {
			return p, errDays
		}
		p.Expires = s.Now().Add(time.Duration(days) * 24 * time.Hour)
	}
	hosts := strings.FieldsFunc(form.Get("hosts"), func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
	for i, typed := range hosts {
		name, ok := s.Gate.Name(typed)
		if !ok || len(hosts) > maxHosts {
			return p, errHosts
		}
		hosts[i] = name
	}
	slices.Sort(hosts)
	p.Hosts = strings.Join(slices.Compact(hosts), ",")
	return p, nil
}

// AppPasswordRevoke answers POST /account/app-passwords/{id}/revoke: that app
// password of one's own opens nothing more, 303; or 404.
func (s *Room) AppPasswordRevoke(w http.ResponseWriter, r *http.Request, me account.Account) error {
	err := s.Accounts.RevokeAppPassword(r.Context(), me, r.PathValue("id"), web.Actor(r))
	if errors.Is(err, account.ErrAppPassword) {
		return web.ErrNotFound
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, "/account")
}
