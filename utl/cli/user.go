package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

type userCommands struct {
	Add          userAdd          `cmd:"" help:"Make an account."`
	List         userList         `cmd:"" help:"List the accounts: username, role, state, since when, groups, email address, name."`
	Disable      userDisable      `cmd:"" help:"Keep an account from signing in, and sign it out everywhere."`
	Approve      userApprove      `cmd:"" help:"Let an account that waits for an owner's yes sign in."`
	Reject       userReject       `cmd:"" help:"Delete an account that waits for an owner's yes; its username may be taken again."`
	Enable       userEnable       `cmd:"" help:"Let a disabled account sign in again."`
	Unlock       userUnlock       `cmd:"" help:"Unlock an account before the 24 hours of its lock are over."`
	Group        userGroup        `cmd:"" help:"Put an account into these groups and no others; without any, into none."`
	Name         userName         `cmd:"" help:"Set what a person is called."`
	Email        userEmail        `cmd:"" help:"Set an account's email address."`
	Role         userRole         `cmd:"" help:"Make an account an owner's or a member's."`
	ClearFactors userClearFactors `cmd:"" name:"clear-factors" help:"Remove what follows an account's password, for somebody who lost a phone: authenticator app, passkeys, recovery codes. App passwords are revoked."`
	Free         userFree         `cmd:"" help:"Let the username of a deleted account be taken again, with what apps keep under it."`
	Delete       userDelete       `cmd:"" help:"Delete an account, and sign it out everywhere."`
	Password     userPassword     `cmd:"" help:"Set an account's password, and sign it out everywhere."`
}

// named is the argument of a command on one account.
type named struct {
	Name string `arg:"" help:"The username."`
}

// secret is the flag of a command that sets a password.
type secret struct {
	PasswordStdin bool `help:"Read the password from stdin, one line, without asking."`
}

type userAdd struct {
	named
	secret

	Role        string `enum:"owner,member" default:"member" help:"owner or member (the default)." placeholder:"ROLE"`
	Email       string `help:"The email address, which is not confirmed by this." placeholder:"ADDRESS"`
	DisplayName string `name:"name" help:"What to call the person." placeholder:"NAME"`
	Group       string `help:"The groups, with commas between them." placeholder:"GROUPS"`
}

// Run creates an account, and the site if there is none.
func (c *userAdd) Run(ctx context.Context, a *app) error {
	if _, err := account.NewUsername(c.Name); err != nil { // checked before anybody types a password
		return err
	}
	err := a.site()
	missing, ok := errors.AsType[noSiteError](err)
	switch {
	case err == nil:
		cfg, err := a.Config()
		if err != nil {
			return err
		}
		return a.open(ctx, cfg.Postgres(), func(st *Stores) error { return c.ask(ctx, a, st) }) // PostgreSQL may have no site yet
	case !ok:
		return err
	}
	a.info("there is no site in %s yet: this makes one", filepath.Dir(missing.path))
	pw, err := a.password(ctx, c.PasswordStdin) // before anything is created
	if err != nil {
		return err
	}
	return a.open(ctx, true, func(st *Stores) error { return c.add(ctx, a, st, pw) })
}

// ask asks for the password and creates the account.
func (c *userAdd) ask(ctx context.Context, a *app, st *Stores) error {
	switch _, err := st.Accounts.Find(ctx, c.Name); {
	case err == nil:
		return account.ErrTaken
	case !errors.Is(err, account.ErrUnknown):
		return err
	}
	pw, err := a.password(ctx, c.PasswordStdin)
	if err != nil {
		return err
	}
	return c.add(ctx, a, st, pw)
}

func (c *userAdd) add(ctx context.Context, a *app, st *Stores, pw string) error {
	made, err := st.Accounts.Add(ctx, account.NewAccount{
		Username: c.Name, Password: pw, Role: c.Role, Name: c.DisplayName, Email: c.Email, Groups: commas(c.Group),
	}, audit.Command())
	if err != nil {
		return err
	}
	a.info("%s can sign in, as %s", made.Username, made.Role)
	return a.warnNoOwner(ctx, st)
}

// warnNoOwner prints a warning if there are accounts but no owner who can sign in: then
// nobody can manage people, and the first owner's link is no longer valid.
func (a *app) warnNoOwner(ctx context.Context, st *Stores) error {
	missing, err := st.Accounts.OwnerMissing(ctx)
	if missing {
		a.info("there is no owner yet: glassjar user add NAME --role owner")
	}
	return err
}

type userList struct{ listing }

type userLine struct {
	Username       string    `json:"username"`
	Name           string    `json:"name"`
	Role           string    `json:"role"`
	Groups         []string  `json:"groups"`
	Email          string    `json:"email"`
	EmailConfirmed bool      `json:"email_confirmed"`
	State          string    `json:"state"`
	Disabled       bool      `json:"disabled"`
	Locked         bool      `json:"locked"`
	Created        time.Time `json:"created"`
}

// Run prints a line for each account.
func (c userList) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		page, err := st.Accounts.List(ctx, "")
		if err == nil && len(page) == 0 {
			a.info("there is no account yet: glassjar user add NAME --role owner")
		}
		for err == nil && len(page) > 0 {
			if err = c.printAccounts(a, page, st.Accounts.Now()); err == nil {
				page, err = st.Accounts.List(ctx, page[len(page)-1].Username)
			}
		}
		return err
	})
}

func (c userList) printAccounts(a *app, all []account.Account, now time.Time) error {
	rows := make([]row, len(all))
	for i, one := range all {
		rows[i] = row{
			userLine{one.Username, one.Name, one.Role, one.GroupList(), one.Email, one.EmailConfirmed, one.StateAt(now), one.Disabled, one.Locked(now), one.Created},
			[]string{one.Username, one.Role, one.StateAt(now), one.Created.Format(time.DateOnly), dash(one.Groups), dash(one.Email), one.Name},
		}
	}
	return c.print(a, rows)
}

type userDisable struct{ named }

// Run disables the account.
func (c *userDisable) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "is disabled, and signed out everywhere", (*account.Store).Disable)
}

type userApprove struct{ named }

// Run lets the account sign in.
func (c *userApprove) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "can sign in", (*account.Store).Approve)
}

type userReject struct{ named }

// Run deletes the account.
func (c *userReject) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "is rejected: the username may be taken again", (*account.Store).Reject)
}

type userEnable struct{ named }

// Run enables the account.
func (c *userEnable) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "can sign in", (*account.Store).Enable)
}

type userUnlock struct{ named }

// Run unlocks the account.
func (c *userUnlock) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "is not locked", (*account.Store).Unlock)
}

type userGroup struct {
	named

	Groups string `arg:"" optional:"" help:"The groups, with commas between them: dev,ops."`
}

// Run sets the account's groups.
func (c *userGroup) Run(ctx context.Context, a *app) error {
	groups := slices.Compact(slices.Sorted(slices.Values(commas(c.Groups)))) // as they are stored
	now := "is in no group now"
	if len(groups) > 0 {
		now = "is in these groups now: " + strings.Join(groups, ", ")
	}
	return a.change(ctx, c.Name, now,
		func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
			return s.SetGroups(ctx, name, groups, by)
		})
}

type userDelete struct{ named }

// Run deletes the account.
func (c *userDelete) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "is deleted, and signed out everywhere", (*account.Store).Delete)
}

// change makes a change of the account, and prints now, the result.
func (a *app) change(ctx context.Context, name, now string,
	change func(s *account.Store, ctx context.Context, name string, by audit.Actor) error,
) error {
	name, err := account.Username(name)
	if err != nil {
		return err
	}
	return a.withStores(ctx, func(st *Stores) error {
		if err := change(st.Accounts, ctx, name, audit.Command()); err != nil {
			return err
		}
		a.info("%s %s", name, now)
		return nil
	})
}

type userPassword struct {
	named
	secret
}

// Run sets the account's password.
func (c *userPassword) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		who, err := st.Accounts.Find(ctx, c.Name) // checked before anybody types a password
		if err != nil {
			return err
		}
		pw, err := a.password(ctx, c.PasswordStdin)
		if err != nil {
			return err
		}
		if err := st.Accounts.SetPassword(ctx, c.Name, pw, audit.Command()); err != nil {
			return err
		}
		a.info("%s has a new password, and is signed out everywhere", who.Username)
		return nil
	})
}
