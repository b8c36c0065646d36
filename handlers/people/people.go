package people

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// Page is the data of /people.
type Page struct {
	web.Layout

	Query  account.Query
	People []row
	Next   string // address of the next page; empty: there is none
	Done   string // what was done just now, in words

	Open  bool     // everybody may make an account
	Opens []string // and then open these

	Mail mailTrouble

	Invitations []invitation
	More        bool // there are more invitations
}

// row is a person in the table.
type row struct {
	account.Person

	Seen   web.Moment
	Locked bool // nobody may change how the person signs in
}

// Second names the person's second factors.
func (r row) Second() string {
	var all []string
	if r.App {
		all = append(all, "app")
	}
	switch {
	case r.Passkeys == 1:
		all = append(all, "passkey")
	case r.Passkeys > 1:
		all = append(all, fmt.Sprint(r.Passkeys, " passkeys"))
	}
	return strings.Join(all, ", ")
}

// listDone is what each act that leads to the list says once it is done.
var listDone = map[string]string{
	"rejected":  "The account is rejected and gone. Its username may be taken again.",
	"deleted":   "The account is deleted. Its username stays taken.",
	"withdrawn": "The invitation is withdrawn: nobody can join with it.",
}

// People answers GET /people: who has an account, 50 a page, by username. The
// args q, role, group and state leave people out; after is the username that the
// page follows.
func (s *Room) People(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	args, err := web.ReadArgs(r, "q", "role", "group", "state", "after", "done")
	if err != nil {
		return err
	}
	p := Page{Layout: layout(me), Query: account.Query{
		Prefix: args.Get("q"), Role: args.Get("role"), Group: args.Get("group"), State: args.Get("state"), After: args.Get("after"),
	}}
	if p.Open = s.SignUp == account.ByAnybody; p.Open {
		if p.Opens, err = s.Opens(r.Context()); err != nil {
			return err
		}
	}
	p.Done = listDone[args.Get("done")]
	if p.Mail, err = s.mailTrouble(r.Context(), s.Now()); err != nil {
		return err
	}
	if p.Invitations, p.More, err = s.invitations(r); err != nil {
		return err
	}
	found, err := s.Accounts.People(r.Context(), p.Query)
	if err != nil {
		return err
	}
	if len(found) > account.PeoplePage {
		found = found[:account.PeoplePage]
		p.Next = next(args, found[account.PeoplePage-1].Username)
	}
	for _, one := range found {
		p.People = append(p.People, row{one, web.MomentAt(one.Seen, s.Now()), one.Locked(s.Now())})
	}
	return s.Render(w, http.StatusOK, "people", p)
}

// next returns the address of the page that follows the username.
func next(args url.Values, after string) string {
	all := url.Values{"after": {after}}
	for _, name := range []string{"q", "role", "group", "state"} {
		if v := args.Get(name); v != "" {
			all.Set(name, v)
		}
	}
	return "/people?" + all.Encode()
}
