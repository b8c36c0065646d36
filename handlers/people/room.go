// Package people has the pages where owners manage people: accounts, roles and groups,
// invitations, and the audit log.
package people

import (
	"context"
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// Room has the handlers of these pages.
type Room struct {
	*web.Site

	Accounts *account.Store
	Factors  *factor.Store
	Sessions *session.Store
	SignUp   string // as in handlers.Config
	// Opens returns what strangers may open if they can create accounts.
	Opens func(context.Context) ([]string, error)
}

// Mistakes are the mistakes in the forms about a person.
var Mistakes = []web.Mistake{
	{Err: account.ErrGroup, Text: "A group is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit. A person is in at most 32."},
	{Err: account.ErrRole, Text: "A role is owner or member."},
	{Err: account.ErrDisabled, Text: "The account is disabled: enable it first."},
	{Err: account.ErrWaiting, Text: "The account waits for an owner’s yes: approve or reject it first."},
	{Err: account.ErrNotWaiting, Text: "The account does not wait any more: somebody else said yes already."},
	{Err: account.ErrDays, Text: "The number of days is 1 to 30."},
	{Err: errOnlyPassword, Text: "There is nothing but the password: nothing was cleared."},
	{Err: errConfirm, Text: "That is not the username. Type it as it stands above the field."},
}

var (
	errConfirm      = errors.New("the username was not typed again")
	errOnlyPassword = errors.New("the account has no other factor")
)

// person returns the person with the username in the path. Errors: web.ErrNotFound.
func (s *Room) person(r *http.Request) (account.Person, error) {
	p, err := s.Accounts.Person(r.Context(), r.PathValue("username"))
	if errors.Is(err, account.ErrName) || errors.Is(err, account.ErrUnknown) {
		return p, web.ErrNotFound
	}
	return p, err
}

// layout returns the layout of every page in this room.
func layout(me web.Owned) web.Layout { return web.Layout{Me: me.Account(), Here: "/people"} }
