package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/config"
	"glassjar/utl/mail"
)

type linkCommands struct {
	Join     linkJoin     `cmd:"" help:"Print a link whose holder may make an account."`
	Reset    linkReset    `cmd:"" help:"Print a link whose holder may set the account's password."`
	List     linkList     `cmd:"" help:"List the invitations that are open: id, role, until when, by whom, groups, email address."`
	Withdraw linkWithdraw `cmd:"" help:"Withdraw an open invitation."`
}

type linkJoin struct {
	Role  string `enum:"owner,member" default:"member" help:"The account's: owner or member (the default)." placeholder:"ROLE"`
	Group string `help:"The account's groups, with commas between them." placeholder:"GROUPS"`
	Email string `help:"The account's email address: give the link only to the person who reads mail there, because using it confirms the address." placeholder:"ADDRESS"`
	Days  int    `default:"1" help:"How many days the link works, 1 (the default) to 30." placeholder:"DAYS"`
}

// Run prints a join link.
func (c *linkJoin) Run(ctx context.Context, a *app) error {
	wanted := account.Invitation{Role: c.Role, Groups: commas(c.Group), Email: c.Email, Days: c.Days}
	if c.Days < 1 {
		return account.ErrDays
	}
	return a.link(ctx, account.Join, time.Duration(c.Days)*24*time.Hour, func(st *Stores) (string, error) {
		began := st.Accounts.Now()
		code, err := st.Accounts.NewInvitation(ctx, wanted, audit.Command())
		if err != nil || c.Email == "" || !st.Mail.Works() {
			return code, err
		}
		switch taken, err := st.Accounts.Mailed(ctx, mail.Invitation, c.Email, began); {
		case err != nil:
			report(a.Stderr, err) // the link is made, and is printed
		case taken:
			a.info("a mail with it is on its way to %s", c.Email)
		default:
			a.info("no mail with it was sent to %s: too many went there today, or too many wait to be sent", c.Email)
		}
		return code, nil
	})
}

type linkReset struct{ named }

// Run prints a reset link.
func (c *linkReset) Run(ctx context.Context, a *app) error {
	return a.link(ctx, account.Reset, account.LinkLife, func(st *Stores) (string, error) {
		return st.Accounts.NewReset(ctx, c.Name, audit.Command())
	})
}

// link prints the link of this kind with the code from newCode, and how long it is valid.
func (a *app) link(ctx context.Context, kind string, life time.Duration, newCode func(*Stores) (string, error)) error {
	return a.withStores(ctx, func(st *Stores) error {
		public, err := publicURL(st.Config)
		if err != nil {
			return err
		}
		code, err := newCode(st)
		if err != nil {
			return err
		}
		fmt.Fprintln(a.Stdout, public.JoinPath(kind, code))
		a.info("it works once, within %.0f hours", life.Hours())
		return nil
	})
}

type linkList struct{ listing }

type linkLine struct {
	ID      string    `json:"id"`
	Role    string    `json:"role"`
	Groups  []string  `json:"groups"`
	Email   string    `json:"email"`
	By      string    `json:"by"`
	Expires time.Time `json:"expires"`
}

// Run prints a line for each unused invitation, newest first.
func (c linkList) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		page, err := st.Accounts.Invitations(ctx, "")
		for err == nil && len(page) > 0 {
			rows := make([]row, len(page))
			for i, one := range page {
				rows[i] = linkRow(one)
			}
			if err = c.print(a, rows); err == nil {
				page, err = st.Accounts.Invitations(ctx, page[len(page)-1].ID)
			}
		}
		return err
	})
}

func linkRow(i account.Invitation) row {
	return row{
		linkLine{i.ID, i.Role, i.Groups, i.Email, i.By, i.Expires},
		[]string{i.ID, i.Role, at(i.Expires), dash(i.By), dash(strings.Join(i.Groups, ",")), i.Email},
	}
}

type linkWithdraw struct {
	ID string `arg:"" help:"The invitation's id, as link list prints it."`
}

// Run withdraws the invitation.
func (c *linkWithdraw) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		err := st.Accounts.Withdraw(ctx, c.ID, audit.Command())
		if err == nil {
			a.info("the link works no more")
		}
		return err
	})
}

// publicURL returns PUBLIC_URL, or the URL on this machine of a server with these settings.
// Errors: errNoPort.
func publicURL(cfg config.Config) (*url.URL, error) {
	at := cfg.URL(cfg.Addr)
	if cfg.PublicURL == nil && strings.Trim(at.Port(), "0") == "" {
		return nil, errNoPort
	}
	return at, nil
}
