package cli

import (
	"context"
	"strings"

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

type userName struct {
	named

	DisplayName string `arg:"" optional:"" help:"What to call the person, such as 'Ada L.'; without it, the username is used."`
}

// Run sets the display name.
func (c *userName) Run(ctx context.Context, a *app) error {
	now := "has no other name now"
	if c.DisplayName != "" {
		now = "has a new name"
	}
	return a.change(ctx, c.Name, now, func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
		return s.SetName(ctx, name, c.DisplayName, by)
	})
}

type userEmail struct {
	named

	Address   string `arg:"" optional:"" help:"The email address; without one, the account's is removed."`
	Confirmed bool   `help:"You know that it is theirs: it counts as confirmed, so apps get it and it can sign in."`
}

// Run sets the email address.
func (c *userEmail) Run(ctx context.Context, a *app) error {
	now := "has an email address that is not confirmed"
	switch {
	case c.Address == "":
		now = "has no email address now"
	case c.Confirmed:
		now = "has a confirmed email address"
	}
	return a.change(ctx, c.Name, now, func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
		return s.SetEmail(ctx, name, c.Address, c.Confirmed, by)
	})
}

type userRole struct {
	named

	Role string `arg:"" enum:"owner,member" help:"owner or member."`
}

// Run sets the role.
func (c *userRole) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "is now of the role "+c.Role, func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
		return s.SetRole(ctx, name, c.Role, by)
	})
}

type userFree struct{ named }

// Run lets the username of a deleted account be taken again.
func (c *userFree) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "can be taken again, with what apps keep under this name", (*account.Store).Free)
}

type userClearFactors struct{ named }

// Run removes all factors but the password.
func (c *userClearFactors) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		found, err := st.Accounts.Find(ctx, c.Name)
		if err == nil {
			err = st.Factors.Clear(ctx, found.Identity, audit.Command())
		}
		if err != nil {
			return err
		}
		a.info("%s has only a password now, and is signed out everywhere", found.Username)
		return nil
	})
}

// commas splits the text at commas.
func commas(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}
