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
	Next   string // URL of the next page; empty: there is none
	Done   string // what was just done, as a sentence

	Open  bool     // whether everybody may create an account
	Opens []string // what they may then open

	Mail mailTrouble

	Invitations []invitation
	More        bool // whether there are more invitations
}

// row is a person in the table.
type row struct {
	account.Person

	Seen   web.Moment
	Locked bool // whether the account is locked
}

// Second returns the person's second factors as text.
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

// listDone are the sentences of the list for what was just done.
var listDone = map[string]string{
	"rejected":  "The account is rejected and gone. Its username may be taken again.",
	"deleted":   "The account is deleted. Its username stays taken.",
	"withdrawn": "The invitation is withdrawn: nobody can join with it.",
}

// People answers GET /people: the accounts, 50 per page, sorted by username. The args q,
// role, group and state filter; after is the last username of the page before.
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

// next returns the URL of the page that follows the username.
func next(args url.Values, after string) string {
	all := url.Values{"after": {after}}
	for _, name := range []string{"q", "role", "group", "state"} {
		if v := args.Get(name); v != "" {
			all.Set(name, v)
		}
	}
	return "/people?" + all.Encode()
}
