// Package app stores the apps behind the gate: their hosts, who may open them, and what
// recipes and the home page need to know. It refuses the host where people sign in, a
// host that another app has, and public suffixes. Each server keeps the gate's rules in
// memory and polls the database for changes twice a second.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/gate"
	"glassjar/utl/hosts"
)

// MaxApps is how many apps can be stored.
const MaxApps = 500

// lockApps is the name of the database lock that every change of the apps takes.
const lockApps = "apps"

// App is an app behind the gate.
type App struct {
	ID        string // used in URLs and forms; grants nothing
	Name      string
	Host      string   // app.example, or *.apps.example for every host below; with or without a port
	Upstream  string   // host:port where the proxy reaches the app; only recipes use it; may be empty
	URL       string   // the link on the home page; empty: the app is not listed there
	Groups    []string // people in any of them may open it; none: everybody who is signed in
	Level     int      // the lowest session level that may open it: 1 or 2
	Programs  bool     // whether app passwords are accepted
	CreatedAt time.Time
}

// Letter returns the letter on the app's tile: the first of its name, in upper case.
func (a App) Letter() string {
	first, _ := utf8.DecodeRuneInString(a.Name)
	return string(unicode.ToUpper(first))
}

// MayOpen reports whether a person may open the app; isIn reports whether they are in a
// group.
func (a App) MayOpen(isIn func(group string) bool) bool {
	return len(a.Groups) == 0 || slices.ContainsFunc(a.Groups, isIn)
}

// Options are what a Store needs.
type Options struct {
	DB     *db.DB
	Own    string      // the host name where people sign in
	Secure bool        // whether people sign in over https
	Rules  *gate.Rules // the gate's rules, which the store updates
	Now    func() time.Time
	Log    *slog.Logger
}

// Store stores the apps.
type Store struct {
	Options

	loading sync.Mutex
	stamp   string // identifies the version of the rules in memory
	loaded  bool

	launcher atomic.Pointer[[]App]
}

// New returns a Store. The gate has no rules of apps until Load or Run has read them.
func New(o Options) *Store { return &Store{Options: o} }

// Launcher returns the apps as the last Load read them, sorted by name, or nil before
// the first Load. It returns the same pointer until they change, and does not read the
// database. The result must not be modified.
func (s *Store) Launcher() *[]App { return s.launcher.Load() }

const selectApps = `SELECT id, name, host, upstream, url, group_names, level, programs, created_at FROM apps`

func scan(r db.Row) (a App, err error) {
	var groups string
	var made int64
	var programs bool
	err = r.Scan(&a.ID, &a.Name, &a.Host, &a.Upstream, &a.URL, &groups, &a.Level, &programs, &made)
	a.Groups = strings.FieldsFunc(groups, func(c rune) bool { return c == ',' })
	a.Programs, a.CreatedAt = programs, db.Time(made)
	return a, err
}

// List returns all apps, sorted by name. Errors: db.ErrUnavailable.
func (s *Store) List(ctx context.Context) ([]App, error) {
	all, err := db.All(ctx, s.DB, scan, selectApps+` ORDER BY name, id LIMIT ?`, MaxApps)
	if err != nil {
		return nil, fmt.Errorf("listing apps: %w", err)
	}
	return all, nil
}

// Find returns the app with the id. Errors: ErrUnknown, db.ErrUnavailable.
func (s *Store) Find(ctx context.Context, id string) (App, error) {
	return s.one(ctx, `id = ?`, id)
}

// At returns the app with the host, whatever its port. Errors: ErrUnknown,
// db.ErrUnavailable.
func (s *Store) At(ctx context.Context, host string) (App, error) {
	below := ""
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		below, host = "*.", rest
	}
	name, _, ok := hosts.Split(host)
	if !ok {
		return App{}, ErrUnknown
	}
	return s.one(ctx, `host_name = ?`, below+name)
}

func (s *Store) one(ctx context.Context, where string, arg any) (App, error) {
	found, err := db.One(ctx, s.DB, scan, selectApps+` WHERE `+where, arg)
	if errors.Is(err, db.ErrNone) {
		return App{}, ErrUnknown
	}
	if err != nil {
		return App{}, fmt.Errorf("reading an app: %w", err)
	}
	return found, nil
}

// Add creates an app, and returns it with its ID and CreatedAt, which the store sets.
// Errors: those of the app's values, ErrTaken, ErrMany, db.ErrUnavailable.
func (s *Store) Add(ctx context.Context, wanted App, by audit.Actor) (App, error) {
	a, err := s.check(wanted)
	if err != nil {
		return a, err
	}
	a.ID, a.CreatedAt = rand.Text(), s.Now()
	return a, s.change(ctx, "adding an app", func(tx *db.Tx) error {
		n, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM apps`)
		if err != nil {
			return err
		}
		if n >= MaxApps {
			return ErrMany
		}
		_, err = tx.Exec(ctx, `INSERT INTO apps (id, name, host, host_name, upstream, url, group_names, level, programs, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, a.ID, a.Name, a.Host, hostName(a.Host), a.Upstream, a.URL,
			strings.Join(a.Groups, ","), a.Level, db.Flag(a.Programs), db.Micros(a.CreatedAt))
		if err != nil {
			return taken(err)
		}
		return s.record(ctx, tx, by, "app.added", a)
	})
}

// Change replaces the values of the app with wanted's ID. Errors: those of the app's
// values, ErrTaken, ErrUnknown, db.ErrUnavailable.
func (s *Store) Change(ctx context.Context, wanted App, by audit.Actor) error {
	a, err := s.check(wanted)
	if err != nil {
		return err
	}
	return s.change(ctx, "changing an app", func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE apps SET name = ?, host = ?, host_name = ?, upstream = ?, url = ?, group_names = ?, level = ?, programs = ?
			WHERE id = ?`, a.Name, a.Host, hostName(a.Host), a.Upstream, a.URL, strings.Join(a.Groups, ","), a.Level, db.Flag(a.Programs), a.ID)
		if err != nil {
			return taken(err)
		}
		if n == 0 {
			return ErrUnknown
		}
		return s.record(ctx, tx, by, "app.changed", a)
	})
}

// Remove deletes the app with the id. The gate then refuses its host, unless GATE_HOSTS
// has the host too: at once on this server, within a second on others. Errors:
// ErrUnknown, db.ErrUnavailable.
func (s *Store) Remove(ctx context.Context, id string, by audit.Actor) error {
	return s.change(ctx, "removing an app", func(tx *db.Tx) error {
		a, err := db.One(ctx, tx, scan, selectApps+` WHERE id = ?`, id)
		if errors.Is(err, db.ErrNone) {
			return ErrUnknown
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM apps WHERE id = ?`, id)
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, by, "app.removed", a)
	})
}

// Tested writes an audit entry: somebody tested the app. Errors: ErrUnknown,
// db.ErrUnavailable.
func (s *Store) Tested(ctx context.Context, id string, by audit.Actor) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		a, err := db.One(ctx, tx, scan, selectApps+` WHERE id = ?`, id)
		if errors.Is(err, db.ErrNone) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, by, "app.tested", a)
	})
	if err != nil {
		return fmt.Errorf("recording the test of an app: %w", err)
	}
	return nil
}

// LeadsToIt reports whether the app has a link, and the link is to one of its own hosts and
// is https if people sign in over https.
func (s *Store) LeadsToIt(a App) bool {
	p, ok := hosts.ParsePattern(a.Host)
	return ok && s.checkLink(a.URL, p) == nil
}

// change runs fn in a transaction that marks the apps as changed, for other servers.
// Then it loads the rules of this server's gate. doing describes fn in errors.
func (s *Store) change(ctx context.Context, doing string, fn func(*db.Tx) error) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, lockApps); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO app_changes (id, stamp) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp`, rand.Text())
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := s.Load(context.WithoutCancel(ctx)); err != nil { // the change is committed: the old rules must not stay in use
		s.forget()
		s.Log.WarnContext(ctx, "cannot read the apps after a change: the gate lets nobody pass until it can", "error", err)
	}
	return nil
}

// taken returns ErrTaken for a violated unique constraint, and other errors unchanged.
func taken(err error) error {
	if errors.Is(err, db.ErrConflict) {
		return ErrTaken
	}
	return err
}

func (s *Store) record(ctx context.Context, tx *db.Tx, by audit.Actor, kind string, a App) error {
	who := "everybody"
	if len(a.Groups) > 0 {
		who = strings.Join(a.Groups, ",")
	}
	detail := fmt.Sprintf("%s (%s) for %s, level %d", a.Host, a.Name, who, a.Level)
	if a.Programs {
		detail += ", app passwords"
	}
	return audit.Record(ctx, tx, s.Now(), by, audit.Event{Kind: kind, Detail: detail})
}

// rule returns the app's rule for the gate. ok is false if its host is malformed.
func (a App) rule() (rule gate.Rule, ok bool) {
	p, ok := hosts.ParsePattern(a.Host)
	return gate.Rule{ID: a.ID, Name: a.Name, Host: p, Groups: slices.Clone(a.Groups), Level: a.Level, Programs: a.Programs}, ok
}
