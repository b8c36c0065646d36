package signin

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

// todo is something that an owner should do, with a link.
type todo struct {
	Title, Text string
	Act, Link   string
}

// todosWait is the longest time that home waits for the database.
const todosWait = 500 * time.Millisecond

// todos returns what the owner should do. It omits what the database does not return in time,
// because home works without the database otherwise.
func (s *Room) todos(ctx context.Context, found session.Session) (all []todo) {
	ctx, cancel := context.WithTimeout(ctx, todosWait)
	defer cancel()
	all = append(all, s.waiting(ctx)...) // whatever SIGNUP is now
	if found.Level < 2 {
		if has, err := s.Factors.Has(ctx, found.Identity.ID); err == nil && !has {
			all = append(all, todo{
				"You have no second factor yet", "Your password alone opens this site, and everybody’s account on it.", "Set one up", "/account/code",
			})
		}
	}
	all = append(all, refused(s.Gate.Unattributed(s.Now()))...)
	return append(all, s.openInvitations(ctx)...)
}

// waiting returns a todo about accounts that wait for approval.
func (s *Room) waiting(ctx context.Context) []todo {
	n, err := s.Accounts.Waiting(ctx)
	switch {
	case err != nil || n == 0:
		return nil
	case n == 1:
		return []todo{{"An account waits for an owner’s yes", "Until then nobody can sign in with it.", "See it", "/people?state=waiting"}}
	}
	return []todo{{fmt.Sprintf("%d accounts wait for an owner’s yes", n), "Until then nobody can sign in with them.", "See them", "/people?state=waiting"}}
}

// refused returns a todo about what the gate refused in the last hour because proxies or
// apps are not set up correctly.
func refused(all []gate.Refusal) []todo {
	n := 0
	for _, one := range all {
		n += one.N
	}
	times := web.Times(n)
	switch {
	case n == 0:
		return nil
	case len(all) == 1 && all[0].Host != "" && !all[0].Own:
		host := all[0].Host
		return []todo{{host + " was refused " + times + " in the last hour", "A proxy asks for this host, and no app has it.", "Add it", "/apps/new?host=" + url.QueryEscape(host)}}
	}
	return []todo{{"The gate refused " + times + " in the last hour", "Proxies asked for hosts that no app has, or in a way that does not count.", "See why", "/apps"}}
}

// openInvitations returns a todo about invitations that nobody has used yet.
func (s *Room) openInvitations(ctx context.Context) []todo {
	open, err := s.Accounts.Invitations(ctx, "")
	const text = "Whoever has such a link can make an account."
	switch n := len(open); {
	case err != nil || n == 0:
		return nil
	case n == 1:
		return []todo{{"One invitation is open", text, "See it", "/people#invitations"}}
	case n > account.InvitationsPage:
		return []todo{{fmt.Sprintf("More than %d invitations are open", account.InvitationsPage), text, "See them", "/people#invitations"}}
	default:
		return []todo{{fmt.Sprintf("%d invitations are open", n), text, "See them", "/people#invitations"}}
	}
}
