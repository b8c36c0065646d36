package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// noSiteError means that the database of the settings does not exist.
type noSiteError struct{ path string }

func (e noSiteError) Error() string {
	return fmt.Sprintf("there is no site here: %s has no database %s. Go to the site's folder, or set DATABASE_URL. "+
		"A new site is made by: glassjar", filepath.Dir(e.path), filepath.Base(e.path))
}

// site returns a noSiteError unless there is a database. Only serving and user add create
// one.
func (a *app) site() error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	for _, text := range cfg.Warnings { // one of them may be the reason why there is no site
		a.info("%s", text)
	}
	if cfg.Postgres() {
		return nil
	}
	path, err := filepath.Abs(cfg.DatabasePath())
	if err != nil {
		return fmt.Errorf("finding the working folder: %w", err)
	}
	if info, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return noSiteError{path}
	}
	return nil // opening it reports other faults
}

// withStores opens the stores of an existing site, calls fn, and closes them.
func (a *app) withStores(ctx context.Context, fn func(*Stores) error) error {
	if err := a.site(); err != nil {
		return err
	}
	return a.open(ctx, false, fn)
}

// open opens the stores, which it creates if they do not exist, calls fn, and closes them.
// If first is true, it creates the session key too.
func (a *app) open(ctx context.Context, first bool, fn func(*Stores) error) error {
	st, err := a.Open(ctx, first)
	if err != nil {
		return err
	}
	return errors.Join(fn(st), st.DB.Close())
}
