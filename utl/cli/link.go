package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/config"
)

type linkCommands struct {
	Join  linkJoin  `cmd:"" help:"Print a link whose holder may make an account."`
	Reset linkReset `cmd:"" help:"Print a link whose holder may set the account's password."`
}

type linkJoin struct {
	Role string `enum:"owner,member" default:"member" help:"The account's: owner or member (the default)." placeholder:"ROLE"`
}

// Run prints a join link.
func (c *linkJoin) Run(ctx context.Context, a *app) error {
	return a.link(ctx, account.Join, func(st *Stores) (string, error) {
		return st.Accounts.NewJoin(ctx, c.Role, audit.Command())
	})
}

type linkReset struct{ named }

// Run prints a reset link.
func (c *linkReset) Run(ctx context.Context, a *app) error {
	return a.link(ctx, account.Reset, func(st *Stores) (string, error) {
		return st.Accounts.NewReset(ctx, c.Name, audit.Command())
	})
}

// link prints the link of the kind whose code newCode makes, and says how long
// it is good.
func (a *app) link(ctx context.Context, kind string, newCode func(*Stores) (string, error)) error {
	return a.with(ctx, func(st *Stores) error {
		public, err := publicURL(st.Config)
		if err != nil {
			return err
		}
		code, err := newCode(st)
		if err != nil {
			return err
		}
		fmt.Fprintln(a.Stdout, public.JoinPath(kind, code))
		a.say("it works once, within %.0f hours", account.LinkLife.Hours())
		return nil
	})
}

// publicURL returns PUBLIC_URL, or where a server of these settings is on this
// machine. Errors: errNoPort.
func publicURL(cfg config.Config) (*url.URL, error) {
	at := cfg.URL(cfg.Addr)
	if cfg.PublicURL == nil && strings.Trim(at.Port(), "0") == "" {
		return nil, errNoPort
	}
	return at, nil
}
