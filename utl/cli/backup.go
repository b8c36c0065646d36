package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

var errInPages = errors.New("a backup among the pages would be shown to people: put it outside of PAGES_DIR")

type backupCommand struct {
	File string `arg:"" help:"The file to make. It must not be there yet."`
}

// Run copies the database, which a server may be using, into a new file.
func (c *backupCommand) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		if st.Config.InPages(c.File) {
			return errInPages
		}
		err := st.DB.Backup(ctx, c.File)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already, and a backup overwrites nothing: choose another name", c.File)
		}
		if err != nil {
			return err
		}
		keys := a.Dotenv
		if st.Config.KeysFromEnv {
			keys = "SESSION_KEYS"
		}
		a.info("%s is the whole database, with every password's hash: keep it as safe as the site\n"+
			"the session keys are not in it: keep %s too", c.File, keys)
		return nil
	})
}
