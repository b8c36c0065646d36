// Package session keeps who is signed in. A session is a row in the database;
// the browser holds a signed cookie that names it; a cache of live rows
// answers most requests without the database. It refuses a cookie that it did
// not sign, that is not spelled as it was signed, or whose row is gone, ended
// or over its limits.
package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
)

var (
	// ErrNone means that the request carries no live session: it is signed out.
	ErrNone = errors.New("no live session")
	// ErrChanged means that the account was changed, disabled or deleted after
	// its password was verified: verify again.
	ErrChanged = errors.New("the account changed meanwhile")
	// ErrSecond means that the account has a second factor, which has to follow what
	// was proven before a session starts.
	ErrSecond = errors.New("a second factor has to follow")
)

// skew is how far another server's clock may run ahead of ours.
const skew = time.Minute

// signedSkew is the same for the date of a cookie's signature: securecookie takes it
// from the machine's own clock, where all others are the database's.
const signedSkew = 10 * time.Minute

// Session is one signed-in browser, and who signed in there: the account's id
// is Identity.ID.
type Session struct {
	identity.Identity

	SID      string // the row's: what cookies name; never shown
	ID       string // what pages call the session
	Epoch    int64  // the account's: counts up when what was proven before proves nothing more
	Level    int    // 1: one factor; 2: two, or a passkey that verified its user
	AMR      string // the factors, as RFC 8176 names them: sorted, with spaces between
	Address  string // client address at sign-in; only List and Start tell
	Agent    string // User-Agent at sign-in; only List and Start tell
	Started  time.Time
	Seen     time.Time // last request, to the minute
	Proved   time.Time // of the last proof; the sign-in is the first
	Remember bool
	turn     string // what the session cookie carries behind the sid: each proof draws a new one
	old      bool   // an old key signed the cookie
}

// Options are what a Store needs.
type Options struct {
	DB         *db.DB
	Keys       [][32]byte    // the first signs, every one verifies
	GateKeys   [][32]byte    // the same for gate cookies; none: no gate cookie is good
	GateDomain string        // COOKIE_DOMAIN; empty: no gate cookie goes out with the session cookie
	Secure     bool          // browsers reach us over https: Secure and __Host-
	Idle, Max  time.Duration // limits: since last seen, since the start
	Now        func() time.Time
	Log        *slog.Logger
}

// Store finds, starts and ends sessions. It is a gorilla sessions.Store for
// the session cookie.
type Store struct {
	opt    Options
	name   string
	codecs atomic.Pointer[[]codec] // the session cookie's
	gate   atomic.Pointer[[]codec] // the gate cookies'
	cache  cache

	polling sync.Mutex // one poll at a time
	feed    feed       // the first poll's to make

	loads atomic.Uint64 // rows that were read because the cache did not know
}

// New returns a store with an empty cache. It trusts no cache until Poll or
// Run has asked the database once.
func New(o Options) (*Store, error) {
	s := &Store{opt: o, name: "glassjar"}
	if o.Secure {
		s.name = "__Host-glassjar"
	}
	s.cache.init(o.Now())
	s.gate.Store(&[]codec{})
	err := s.SetKeys(o.Keys)
	if err == nil && len(o.GateKeys) > 0 {
		err = s.SetGateKeys(o.GateKeys)
	}
	return s, err
}

// Name returns the session cookie's name.
func (s *Store) Name() string { return s.name }

// Find returns the live session that the request's cookie names. Most requests
// are answered from memory. Errors: ErrNone, or db.ErrUnavailable when it
// cannot be known: the Session then has the sid alone, so that it can be ended.
func (s *Store) Find(r *http.Request) (Session, error) {
	return s.find(r, s.name, "")
}

// live returns the live session with the sid, from the cache or from its row.
func (s *Store) live(ctx context.Context, sid string) (Session, error) {
	now := s.opt.Now()
	e, gen, fresh := s.cache.get(sid, now)
	if fresh {
		return s.within(e, now)
	}
	return s.load(ctx, sid, e, gen, now)
}

// load reads the row of the sid. e and gen are what the cache knows of it.
func (s *Store) load(ctx context.Context, sid string, e *entry, gen uint64, now time.Time) (Session, error) {
	s.loads.Add(1)
	row, err := db.One(ctx, s.opt.DB, scan, selectSessions+`s.sid = ?`, sid)
	switch {
	case errors.Is(err, db.ErrNone):
		s.cache.put(Session{SID: sid}, false, now, gen)
		return Session{}, ErrNone
	case err != nil && e != nil && s.cache.has(e) && s.Healthy():
		return s.within(e, now) // due to be read again, but known to be unchanged
	case err != nil:
		return Session{}, fmt.Errorf("reading a session: %w", err)
	}
	return s.within(s.cache.put(row, true, now, gen), now)
}

// within returns the entry's session if it is live and within its limits now,
// and notes that it was seen.
func (s *Store) within(e *entry, now time.Time) (Session, error) {
	if !e.live {
		return Session{}, ErrNone
	}
	found := e.session()
	if !s.alive(found, now) {
		return Session{}, ErrNone
	}
	if now.Sub(found.Seen) >= time.Minute {
		s.cache.sawIt(e, now)
		found.Seen = now
	}
	return found, nil
}

// alive reports whether the session is within its limits now.
func (s *Store) alive(of Session, now time.Time) bool {
	return s.inTime(of.Started, now, s.opt.Max) && s.inTime(of.Seen, now, s.idle(of.Remember))
}

// inTime reports whether t lies less than limit before now and, but for skew,
// not after it.
func (s *Store) inTime(t, now time.Time, limit time.Duration) bool {
	age := now.Sub(t)
	return age < limit && age > -skew
}

// Until returns when the session ends by itself if it is not used again.
func (s *Store) Until(found Session) time.Time {
	idle, last := found.Seen.Add(s.idle(found.Remember)), found.Started.Add(s.opt.Max)
	if idle.Before(last) {
		return idle
	}
	return last
}

func (s *Store) idle(remember bool) time.Duration {
	if remember {
		return s.opt.Max
	}
	return s.opt.Idle
}

// Verified is who just proved to be the account's person, and how.
type Verified struct {
	AccountID, Username string
	Epoch               int64  // the account's, as it was read before verifying
	Factors             int64  // its factor_epoch, likewise
	Level               int    // as a session's; 0 starts none
	AMR                 string // as a session's

	Proved time.Time // when all of it was; zero: now
	With   Once      // what was proven with, where that is good once; nil: it is not
}

// Once is what is good once to prove with. Spend uses it up, in the transaction that
// starts the session or proves it, with the account locked; when it fails, nothing
// happens.
type Once interface {
	Spend(ctx context.Context, tx *db.Tx) error
}

// spend uses up what was proven with.
func (v Verified) spend(ctx context.Context, tx *db.Tx) error {
	if v.With == nil {
		return nil
	}
	return v.With.Spend(ctx, tx)
}

// errLevel means that somebody who proved nothing is to be signed in.
var errLevel = errors.New("a session without a level")

// Start starts a session for the account with a new sid, ends the one whose
// cookie came in with the request, and the account's oldest where it has 100
// live ones, and sends the new cookie. It is the one way to a session, whatever was
// proven. Errors: ErrChanged, ErrSecond, db.ErrUnavailable, and With's.
func (s *Store) Start(w http.ResponseWriter, r *http.Request, v Verified, remember bool, by audit.Actor) (Session, error) {
	return s.StartAnd(w, r, v, remember, by, func(context.Context, *db.Tx) error { return nil })
}

// StartAnd starts a session as Start does. also runs in the same transaction.
func (s *Store) StartAnd(w http.ResponseWriter, r *http.Request, v Verified, remember bool, by audit.Actor, also func(context.Context, *db.Tx) error) (Session, error) {
	if v.Level < 1 {
		return Session{}, errLevel
	}
	old := s.sent(r)
	now := s.opt.Now()
	if v.Proved.IsZero() {
		v.Proved = now
	}
	started := Session{
		SID: rand.Text(), ID: rand.Text(), Identity: identity.Identity{ID: v.AccountID, Username: v.Username},
		Epoch: v.Epoch, Level: v.Level, AMR: v.AMR, Started: now, Proved: v.Proved, Remember: remember, Address: by.Address, Agent: audit.Cap(by.Agent),
	}
	by.ID, by.Name = v.AccountID, v.Username
	var ended []string
	err := s.opt.DB.Tx(r.Context(), func(tx *db.Tx) (err error) {
		if err = LockAccount(r.Context(), tx, v.AccountID); err != nil {
			return err
		}
		if _, err = end(r.Context(), tx, now, by, `sid = ? AND turn = ?`, old.sid, old.turn); err != nil {
			return err
		}
		if ended, err = s.makeRoom(r.Context(), tx, now, by, v.AccountID); err != nil {
			return err
		}
		if err = insert(r.Context(), tx, started, v.Factors); err != nil {
			return err
		}
		if err = also(r.Context(), tx); err != nil {
			return err
		}
		if err = v.spend(r.Context(), tx); err != nil {
			return err
		}
		return audit.Record(r.Context(), tx, now, by, audit.Event{Kind: "signin.ok", AccountID: v.AccountID, Username: v.Username})
	})
	if err != nil {
		return Session{}, fmt.Errorf("starting a session: %w", err)
	}
	s.Forget(append(ended, old.sid)...)
	return started, s.send(w, r, started)
}

// End ends the session. From its return on, it is refused here; other servers
// refuse it within a second. When the database cannot be written, the session
// is refused here all the same, the end is written when the database is back,
// and the error is db.ErrUnavailable.
func (s *Store) End(ctx context.Context, sid string, by audit.Actor) error {
	ctx = context.WithoutCancel(ctx) // a browser that went away is still signed out
	now := s.opt.Now()
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := end(ctx, tx, now, by, `sid = ?`, sid)
		return err
	})
	if err != nil {
		s.cache.refuse(sid, by, now)
		return fmt.Errorf("ending a session: %w", err)
	}
	s.Forget(sid)
	return nil
}

// Forget drops the sessions from the cache: the next request reads their rows.
func (s *Store) Forget(sids ...string) { s.cache.forget(sids...) }

// ForgetAccount drops the account's sessions from the cache: the next request of
// each reads its row.
func (s *Store) ForgetAccount(id string) { s.cache.forgetAccount(id) }

// List returns the account's live sessions, the one seen last first; of more
// than 100, those that started last.
func (s *Store) List(ctx context.Context, accountID string) ([]Session, error) {
	rows, err := db.All(ctx, s.opt.DB, scan, selectSessions+`s.account_id = ? ORDER BY s.started_at DESC LIMIT ?`, accountID, maxSessions)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	now := s.opt.Now()
	rows = slices.DeleteFunc(rows, func(row Session) bool { return !s.alive(row, now) })
	slices.SortStableFunc(rows, func(a, b Session) int { return b.Seen.Compare(a.Seen) })
	return rows, nil
}
