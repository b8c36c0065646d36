package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	errInPages = errors.New("a backup among the pages would be shown to people: put it outside of PAGES_DIR")
	errKeep    = errors.New("--keep must be 1 or more")
	errNoFile  = errors.New("a file name is needed")
)

type backupCommand struct {
	File string `arg:"" help:"The file to make. It must not exist yet. With --keep the time is added to its name."`
	Keep *int   `help:"Make FILE-TIME, print its name, and delete all but the newest N of these: for a timer." placeholder:"N"`
}

// Validate refuses a file without a name, and to keep no backup.
func (c *backupCommand) Validate() error {
	switch {
	case c.File == "" || strings.HasSuffix(c.File, "/"):
		return errNoFile
	case c.Keep != nil && *c.Keep < 1:
		return errKeep
	}
	return nil
}

// Run copies the database into a new file, also while a server uses it.
func (c *backupCommand) Run(ctx context.Context, a *app) error {
	file := c.File
	if c.Keep != nil {
		file = dated(c.File, a.Now().UTC().Format(stamp))
	}
	return a.withStores(ctx, func(st *Stores) error {
		if st.Config.InPages(file) {
			return errInPages
		}
		err := st.DB.Backup(ctx, file)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already, and a backup overwrites nothing: choose another name", file)
		}
		if err != nil {
			return err
		}
		if c.Keep != nil {
			fmt.Fprintln(a.Stdout, file)
			return a.prune(c.File, file, *c.Keep)
		}
		keys := a.Dotenv
		if st.Config.KeysFromEnv {
			keys = "SESSION_KEYS"
		}
		a.info("%s is the whole database, with every password's hash: keep it as safe as the site\n"+
			"the session keys are not in it: keep %s too", file, keys)
		return nil
	})
}

const stamp = "20060102T150405Z"

var stampForm = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z$`)

// dated returns the path with the time before its extension.
func dated(path, at string) string {
	ending := filepath.Ext(path)
	return strings.TrimSuffix(path, ending) + "-" + at + ending
}

// prune deletes all but the newest keep of the path's dated files, of which made is the
// newest, and no other file. It leaves those that are dated after made, and warns of them.
func (a *app) prune(path, made string, keep int) error {
	all, err := allDated(path)
	if err != nil {
		return fmt.Errorf("looking for older backups: %w", err)
	}
	newest := slices.Index(all, filepath.Base(made)) + 1
	if ahead := all[newest:]; len(ahead) > 0 {
		a.info("not deleted, because dated after this backup, as if a clock had been ahead: %s and %d more", ahead[0], len(ahead)-1)
	}
	for _, name := range all[:max(0, newest-keep)] {
		if err := os.Remove(filepath.Join(filepath.Dir(path), name)); err != nil {
			return fmt.Errorf("deleting an older backup: %w", err)
		}
	}
	return nil
}

// allDated returns the names of the path's dated files, oldest first.
func allDated(path string) (names []string, err error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	ending := filepath.Ext(path)
	begin := strings.TrimSuffix(filepath.Base(path), ending) + "-"
	for _, e := range entries { // sorted by name, and so by time
		rest, ok := strings.CutPrefix(e.Name(), begin)
		if at, ends := strings.CutSuffix(rest, ending); ok && ends && stampForm.MatchString(at) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}
