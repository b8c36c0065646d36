package cli

import (
	"context"
	"errors"
	"fmt"

	"glassjar/utl/config"
	"glassjar/utl/db"
	"glassjar/utl/stores"
)

type moveCommand struct {
	DatabaseURL string `arg:"" help:"The empty database to copy into, postgres://… or sqlite:FILE. With - it is read from stdin: a password in a command can be seen by every user of this machine."`
}

// Run copies the database into the other one, also while a server uses it, and prints how
// many rows of each table it copied.
func (c *moveCommand) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		to, err := c.target(ctx, a, st.Config)
		if err != nil {
			return err
		}
		other, err := stores.OpenDatabase(ctx, to)
		if err != nil {
			return fmt.Errorf("%w: %w", db.ErrOther, err)
		}
		all, err := db.Move(ctx, st.DB, other)
		if err = errors.Join(err, other.Close()); err != nil {
			return err
		}
		for _, m := range all {
			fmt.Fprintf(a.Stdout, "%s %d\n", m.Table, m.Rows)
		}
		a.info("the other database has it all, and nothing here was changed: set DATABASE_URL to the other one and start glassjar with the same session keys, so that nobody is signed out\n" +
			"what a server that still runs writes from now on is in the old one alone")
		return nil
	})
}

// target returns the settings with the other database.
func (c *moveCommand) target(ctx context.Context, a *app, cfg config.Config) (config.Config, error) {
	url := c.DatabaseURL
	if url == "-" {
		var err error
		if url, err = await(ctx, a.line); errors.Is(err, errNoPassword) {
			err = errNoURL
		}
		if err != nil {
			return cfg, err
		}
	}
	to, err := cfg.With(url)
	if err != nil {
		return cfg, err
	}
	for _, text := range to.Warnings {
		a.info("%s", text)
	}
	if !to.Postgres() && cfg.InPages(to.DatabasePath()) {
		return cfg, errInPages
	}
	return to, nil
}
