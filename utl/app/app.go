// Package app keeps the apps behind the gate: their hosts, who may open them, and
// what recipes and the launcher need to know. It refuses the host where people sign
// in, a host that another app has, and all that lies below a public suffix. Each
// server keeps the gate's rules in memory and looks for changes twice a second.
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

// MaxApps is how many apps there may be.
const MaxApps = 500

// lockApps is held by every change of the apps.
const lockApps = "apps"

// App is an app behind the gate.
type App struct {
	ID        string // what pages call it: grants nothing
	Name      string
	Host      string   // app.example, or *.apps.example for all below; perhaps with a port
	Upstream  string   // host:port where the proxy reaches it, for recipes alone; may be empty
	URL       string   // where the launcher leads; empty: the app is not in it
	Groups    []string // people in any of them may open it; none: everybody who is signed in
	Level     int      // of the session, at least: 1 or 2
	Programs  bool     // app passwords may pass
	CreatedAt time.Time
}

// Letter returns what stands on the app's tile.
func (a App) Letter() string {
	first, _ := utf8.DecodeRuneInString(a.Name)
	return string(unicode.ToUpper(first))
}

// MayOpen reports whether somebody may open the app who is in the groups of which
// isIn reports true.
func (a App) MayOpen(isIn func(group string) bool) bool {
	return len(a.Groups) == 0 || slices.ContainsFunc(a.Groups, isIn)
}

// Options are what a Store needs.
type Options struct {
	DB    *db.DB
	Own   string      // the name of the host where people sign in
	Rules *gate.Rules // the gate's, which the store keeps up to date
	Now   func() time.Time
	Log   *slog.Logger
}

// Store keeps the apps.
type Store struct {
	Options

	loading sync.Mutex
	stamp   string // of the rules in memory
	loaded  bool

	launcher atomic.Pointer[[]App]
}

// New returns a store. The gate knows nothing of any app until Load or Run has asked
// the database once.
func New(o Options) *Store { return &Store{Options: o} }

// Launcher returns the apps by their names, as the last Load read them; before it,
// nil. While the pointer is the same, so are they. It asks no database.
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

// List returns the apps by their names. Errors: db.ErrUnavailable.
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

// At returns the app with the host. Errors: ErrUnknown, db.ErrUnavailable.
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

// Add makes an app, whose ID and CreatedAt the store sets. Errors: those of its values,
// ErrTaken, ErrMany, db.ErrUnavailable.
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

// Change gives the app with wanted's id the other values of wanted. Errors: as Add's,
// and ErrUnknown.
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

// Remove removes the app with the id: here its host's cookies open nothing at once,
// on other servers within a second, unless GATE_HOSTS has the host too. Errors:
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

// Tested records that the app's page is attacked for a test. Errors: ErrUnknown,
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

// LeadsToIt reports whether the app has a link, and that leads to one of its own hosts.
func (s *Store) LeadsToIt(a App) bool {
	p, ok := hosts.ParsePattern(a.Host)
	return ok && isLink(a.URL, p, s.Own)
}

// change runs fn, tells the other servers in the same transaction, and has this
// one's gate know at once.
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
	if err := s.Load(context.WithoutCancel(ctx)); err != nil { // the change stands; the rules of before must not
		s.forget()
		s.Log.WarnContext(ctx, "reading the apps after a change", "error", err)
	}
	return nil
}

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

// rule returns the gate's rule of the app.
func (a App) rule() (gate.Rule, bool) {
	p, ok := hosts.ParsePattern(a.Host)
	return gate.Rule{ID: a.ID, Name: a.Name, Host: p, Groups: slices.Clone(a.Groups), Level: a.Level, Programs: a.Programs}, ok
}
