package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// noSiteError is the error that no database is where the settings say.
type noSiteError struct{ path string }

func (e noSiteError) Error() string {
	return fmt.Sprintf("there is no site here: %s has no database %s. Go to the site's folder, or set DATABASE_URL. "+
		"A new site is made by: glassjar", filepath.Dir(e.path), filepath.Base(e.path))
}

// site returns a noSiteError, unless there is a database to work on. Only serving
// and user add make one.
func (a *app) site() error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	for _, text := range cfg.Warnings { // one of them may be why there is no site
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
	return nil // what else is wrong with it, opening it says
}

// withStores opens the stores of a site that is there for fn, and closes them after it.
func (a *app) withStores(ctx context.Context, fn func(*Stores) error) error {
	if err := a.site(); err != nil {
		return err
	}
	return a.open(ctx, fn)
}

// open opens the stores for fn, making them where they are missing, and closes
// them after it.
func (a *app) open(ctx context.Context, fn func(*Stores) error) error {
	st, err := a.Open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(st), st.DB.Close())
}
