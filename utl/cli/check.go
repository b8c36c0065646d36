package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"glassjar/utl/config"
	"glassjar/utl/db"
	"glassjar/utl/tlscert"
)

var errProblems = errors.New("the check found problems: they are above")

type checkCommand struct {
	File *string `arg:"" optional:"" help:"A backup to look into instead, which is not changed."`
}

// Validate refuses an empty name, as of a script's variable that is not set: the answer would
// be about the site.
func (c *checkCommand) Validate() error {
	if c.File != nil && *c.File == "" {
		return errNoFile
	}
	return nil
}

// Run prints what is right and what is wrong with the site, or with a backup. If something
// is wrong, the exit code is 1.
func (c *checkCommand) Run(ctx context.Context, a *app) error {
	said := &findings{a: a}
	err := c.check(ctx, a, said)
	if err == nil && said.wrong {
		err = errProblems
	}
	return err
}

func (c *checkCommand) check(ctx context.Context, a *app, said *findings) error {
	if c.File != nil {
		found, err := db.CheckFile(ctx, *c.File)
		if err == nil {
			said.file(*c.File, found)
		}
		return err
	}
	return a.withStores(ctx, func(st *Stores) error { return said.site(ctx, st) })
}

// findings prints findings, and remembers whether one is a problem.
type findings struct {
	a     *app
	wrong bool
}

func (f *findings) say(good bool, format string, args ...any) {
	verdict := "ok"
	if !good {
		verdict, f.wrong = "PROBLEM", true
	}
	fmt.Fprintf(f.a.Stdout, "%-8s %s\n", verdict, printable(fmt.Sprintf(format, args...)))
}

// whole prints the problems of the database in the file, or that it has none.
func (f *findings) whole(file string, problems []string) {
	for _, problem := range problems {
		f.say(false, "%s: %s", file, problem)
	}
	if len(problems) == 0 {
		f.say(true, "the database is whole, and every row that is named is there")
	}
}

func (f *findings) file(path string, c db.Copy) {
	f.whole(path, c.Problems)
	if c.Version == 0 { // it is empty, or no backup
		return
	}
	f.say(c.Version <= c.Known, "its tables are of version %d; this program knows %d", c.Version, c.Known)
	if c.CreatedAt.IsZero() {
		f.say(true, "it does not say that it is a backup: started on, it ends no session")
	} else {
		f.say(true, "it is a backup of %s: started on, it ends all sessions", c.CreatedAt.Format(time.RFC3339))
	}
}

func (f *findings) site(ctx context.Context, st *Stores) error {
	problems, err := st.DB.Check(ctx)
	if err != nil {
		return err
	}
	if st.DB.Postgres() {
		f.say(true, "the database answers; whether it is whole, PostgreSQL's own tools know: pg_amcheck")
	} else {
		f.whole("the database", problems)
	}
	missing, err := st.Accounts.OwnerMissing(ctx)
	if err != nil {
		return err
	}
	if missing {
		f.say(false, "no owner can sign in: glassjar user add NAME --role owner, or glassjar user enable NAME")
	} else {
		f.say(true, "an owner can sign in, or there is no account yet")
	}
	if err := f.keys(ctx, st); err != nil {
		return err
	}
	f.certificate(st.Config)
	for _, text := range st.Config.Warnings {
		f.say(false, "the settings: %s", text)
	}
	return nil
}

// certificate prints whether browsers accept the certificate, if the server has one.
func (f *findings) certificate(cfg config.Config) {
	if cfg.TLSCert == "" {
		return
	}
	host := cfg.URL(cfg.Addr).Hostname()
	pair, err := tlscert.Load(cfg.TLSCert, cfg.TLSKey, f.a.Now)
	if err != nil {
		f.say(false, "%v", err)
	} else if problem, certain := pair.Problem(host); problem != "" {
		f.say(!certain, "%s", problem)
	} else {
		f.say(true, "the certificate is for %s, and has not expired", host)
	}
}

// keys prints whether there are session keys, and whether they are the right ones.
func (f *findings) keys(ctx context.Context, st *Stores) error {
	if st.NoKey {
		f.say(false, "there is no session key: %s has no SESSION_KEYS. Put the site's back, or go to the folder that has it: "+
			"starting makes a new key, with which nobody is signed in, and which opens no authenticator app's secret", f.a.Dotenv)
		return nil
	}
	others, err := st.OtherKeys(ctx)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		f.say(false, "other servers sign with session keys that are not known here: %s", strings.Join(others, ", "))
	} else {
		f.say(true, "the session keys sign and verify: %s", strings.Join(st.Ring.IDs(), ", "))
	}
	return f.secrets(ctx, st)
}

// secrets prints whether the session keys decrypt the authenticator apps' secrets.
func (f *findings) secrets(ctx context.Context, st *Stores) error {
	tried, err := st.Factors.Try(ctx)
	if err != nil {
		return err
	}
	if tried.Broken == 0 {
		f.say(true, "the session keys open the secrets of all authenticator apps: %d", tried.Apps)
		return nil
	}
	f.say(false, "%s", tried.Sentence())
	return nil
}
