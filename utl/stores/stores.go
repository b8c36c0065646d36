// Package stores opens the database and all stores in it, according to the settings. It
// creates the database file, and with MakeKey the first session key, if they do not exist.
package stores

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/config"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/gate"
	"glassjar/utl/keyring"
	"glassjar/utl/mail"
	"glassjar/utl/password"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// Options are what Open needs.
type Options struct {
	Config config.Config
	Dotenv string // path of the .env file, which has the keys unless the environment has them

	// MakeKey creates the first session key in the file if there is none. Without it, the
	// stores then use a key that is stored nowhere: a server that runs must not take up the
	// key of a command, and a command in another folder must not leave one there.
	MakeKey bool

	Log *slog.Logger
	Now func() time.Time // this machine's clock; with PostgreSQL, the database's clock is used instead
}

// Stores are the open stores.
type Stores struct {
	Config   config.Config
	Ring     keyring.Ring
	NoKey    bool // Ring is stored nowhere, because there is no key
	Log      *slog.Logger
	DB       *db.DB
	Sessions *session.Store
	Accounts *account.Store
	Factors  *factor.Store
	Throttle *throttle.Store
	Mail     *mail.Queue
	Apps     *app.Store

	newKey bool                         // the key of Ring was made now, and is stored
	ring   atomic.Pointer[keyring.Ring] // the keys in use; nil before UseKeys
}

// Open opens the stores. The caller must close DB.
func Open(ctx context.Context, o Options) (*Stores, error) {
	cfg := o.Config
	ring, missing, err := openRing(o)
	if err != nil {
		return nil, err
	}
	data, err := OpenDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	clock, err := data.Clock(ctx, o.Now)
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	site := cfg.URL(cfg.Addr)
	sessions, err := session.New(session.Options{
		DB: data, Keys: ring.Derive("session"), GateKeys: ring.Derive("gate"), GateDomain: cfg.CookieDomain,
		Secure: site.Scheme == "https", Idle: cfg.SessionIdle, Max: cfg.SessionMax, Now: clock.Now, Log: o.Log,
	})
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	mails := mail.NewQueue(data, cfg.SMTPURL != nil, clock.Now, o.Log)
	hasher := password.NewHasher(password.Recommended(), password.Workers(runtime.GOMAXPROCS(0)), password.QueueLen)
	accounts := account.New(account.Options{DB: data, Sessions: sessions, Hasher: hasher, Host: site.Hostname(), Mail: mails, Now: clock.Now, SecondFactor: cfg.SecondFactor == "required"})
	factors, err := factor.New(factor.Options{
		DB: data, Sessions: sessions, SiteName: cfg.SiteName, Keys: ring.Derive("factor"),
		Changed: accounts.FactorsChanged, Used: accounts.FactorUsed, Cleared: accounts.RevokeAppPasswords, Now: clock.Now,
	})
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	st := &Stores{
		Config: cfg, Ring: ring, NoKey: missing && !o.MakeKey, newKey: missing && o.MakeKey, Log: o.Log, DB: data, Sessions: sessions,
		Accounts: accounts,
		Factors:  factors,
		Throttle: &throttle.Store{DB: data, Now: clock.Now},
		Mail:     mails,
		Apps:     app.New(app.Options{DB: data, Own: site.Hostname(), Secure: site.Scheme == "https", Rules: &gate.Rules{}, Now: clock.Now, Log: o.Log}),
	}
	if err := st.afterRestore(ctx); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return st, nil
}

// OpenDatabase opens the database of the settings, creates an SQLite file if it does not
// exist, and migrates the tables.
func OpenDatabase(ctx context.Context, cfg config.Config) (*db.DB, error) {
	if cfg.Postgres() {
		return db.OpenPostgres(ctx, cfg.DatabaseURL)
	}
	return db.Open(ctx, cfg.DatabasePath())
}

// openRing returns the session keys from the environment or from the file, and whether they
// are missing there: then they are new, and stored only with MakeKey.
func openRing(o Options) (ring keyring.Ring, missing bool, err error) {
	switch {
	case o.Config.KeysFromEnv:
		ring, err = keyring.Parse(o.Config.SessionKeys)
	default:
		ring, err = keyring.Read(o.Dotenv)
		missing = errors.Is(err, keyring.ErrNoKeys)
	}
	switch {
	case missing && o.MakeKey:
		ring, err = keyring.Ensure(o.Dotenv)
	case missing:
		ring, err = keyring.New()
	}
	if err == nil {
		err = ring.SelfTest()
	}
	return ring, missing, err
}

// Pages opens PAGES_DIR. It returns nil if that is not set.
func (s *Stores) Pages() (*os.Root, error) {
	if s.Config.PagesDir == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(s.Config.PagesDir)
	if err != nil {
		return nil, fmt.Errorf("opening PAGES_DIR: %w", err)
	}
	return root, nil
}

// Sweep deletes outdated rows, and stores again which session key is in use. It logs
// errors.
func (s *Stores) Sweep(ctx context.Context) {
	if err := errors.Join(s.Sessions.Sweep(ctx), s.Throttle.Sweep(ctx), s.Accounts.Sweep(ctx, s.Config.AuditKeep), s.keepKey(ctx), s.Mail.Sweep(ctx), s.Factors.Sweep(ctx)); err != nil {
		s.Log.WarnContext(ctx, "deleting outdated rows failed", "error", err)
	}
}
