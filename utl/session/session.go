// Package session keeps who is signed in. A session is a row in the database; the
// browser holds a signed cookie with the row's sid; a cache of live rows answers
// most requests without the database. It refuses a cookie that it did not sign or
// whose spelling was changed, and one whose row is deleted, ended or past its
// limits.
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
	// ErrNone means that the request has no live session: the browser is signed out.
	ErrNone = errors.New("no live session")
	// ErrChanged means that the account was changed, disabled or deleted after its
	// person was verified: verify again.
	ErrChanged = errors.New("the account changed meanwhile")
	// ErrSecond means that the account has a second factor, which must be checked
	// before a session starts.
	ErrSecond = errors.New("a second factor has to follow")
)

// skew is how far another server's clock may be ahead of this one.
const skew = time.Minute

// signedSkew is the same for the date in a cookie's signature: securecookie takes
// that from the machine's clock, while all other times are the database's.
const signedSkew = 10 * time.Minute

// Session is one signed-in browser, and who signed in there: the account's id
// is Identity.ID.
type Session struct {
	identity.Identity

	SID      string // the row's secret id, in cookies; never shown
	ID       string // the session's id on pages
	Epoch    int64  // the account's: incremented to invalidate earlier proofs
	Level    int    // 1: one factor; 2: two, or a passkey that verified its user
	AMR      string // the factors, as RFC 8176 names them: sorted, with spaces between
	Address  string // client address at sign-in; set only by List and Start
	Agent    string // User-Agent at sign-in; set only by List and Start
	Started  time.Time
	Seen     time.Time // last request, to the minute
	Proved   time.Time // of the last proof; the sign-in is the first
	Remember bool
	turn     string // follows the sid in the session cookie; each proof makes a new one
	old      bool   // the cookie is signed with an old key
}

// Options are what a Store needs.
type Options struct {
	DB         *db.DB
	Keys       [][32]byte    // the first signs, every one verifies
	GateKeys   [][32]byte    // the same for gate cookies; if empty, every gate cookie is refused
	GateDomain string        // COOKIE_DOMAIN; if empty, Clear deletes the session cookie only
	Secure     bool          // browsers reach the site over https: cookies are Secure and named __Host-
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
	feed    feed       // made by the first poll

	loads atomic.Uint64 // rows read on cache misses
}

// New returns a store with an empty cache, which is not used until the first
// successful Poll.
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

// Find returns the live session of the request's cookie, mostly from memory.
// Errors: ErrNone; db.ErrUnavailable when the database cannot be read: the Session
// then has only its SID, so that it can be ended.
func (s *Store) Find(r *http.Request) (Session, error) {
	return s.find(r, s.name, "")
}

// live returns the live session with the sid, from the cache or from its row.
func (s *Store) live(ctx context.Context, sid string) (Session, error) {
	now := s.opt.Now()
	e, gen, fresh := s.cache.get(sid, now)
	if fresh {
		return s.sessionOf(e, now)
	}
	return s.load(ctx, sid, e, gen, now)
}

// load reads the row of the sid. e and gen are what cache.get returned.
func (s *Store) load(ctx context.Context, sid string, e *entry, gen uint64, now time.Time) (Session, error) {
	s.loads.Add(1)
	row, err := db.One(ctx, s.opt.DB, scan, selectSessions+`s.sid = ?`, sid)
	switch {
	case errors.Is(err, db.ErrNone):
		s.cache.put(Session{SID: sid}, false, now, gen)
		return Session{}, ErrNone
	case err != nil && e != nil && s.cache.has(e) && s.Healthy():
		return s.sessionOf(e, now) // past its TTL, but polls show that it has not changed
	case err != nil:
		return Session{}, fmt.Errorf("reading a session: %w", err)
	}
	return s.sessionOf(s.cache.put(row, true, now, gen), now)
}

// sessionOf returns the entry's session if it is live and within its limits, and
// notes once a minute that it was seen. Errors: ErrNone.
func (s *Store) sessionOf(e *entry, now time.Time) (Session, error) {
	if !e.live {
		return Session{}, ErrNone
	}
	found := e.session()
	if !s.withinLimits(found, now) {
		return Session{}, ErrNone
	}
	if now.Sub(found.Seen) >= time.Minute {
		s.cache.noteSeen(e, now)
		found.Seen = now
	}
	return found, nil
}

// withinLimits reports whether the session is within its limits now.
func (s *Store) withinLimits(of Session, now time.Time) bool {
	return s.isRecent(of.Started, now, s.opt.Max) && s.isRecent(of.Seen, now, s.idle(of.Remember))
}

// isRecent reports whether t is less than limit before now, and not after now by
// skew or more.
func (s *Store) isRecent(t, now time.Time, limit time.Duration) bool {
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

// Verified says who was just verified, and how. A caller gets one from checking a
// password, code, passkey or link.
type Verified struct {
	AccountID, Username string
	Epoch               int64  // the account's epoch, as read before verifying
	Factors             int64  // the account's factor_epoch, as read before verifying
	Level               int    // as Session.Level; 0 starts no session
	AMR                 string // as Session.AMR

	Proved time.Time // when; zero: now
	With   Once      // the single-use proof, such as a code; nil: none
}

// Once is a proof that can be used once. Spend uses it up in the transaction that
// starts or proves the session, with the account locked; if it fails, that
// transaction is rolled back.
type Once interface {
	Spend(ctx context.Context, tx *db.Tx) error
}

// spend uses up the single-use proof, if there is one.
func (v Verified) spend(ctx context.Context, tx *db.Tx) error {
	if v.With == nil {
		return nil
	}
	return v.With.Spend(ctx, tx)
}

// errLevel means that a caller asked for a session without any proof.
var errLevel = errors.New("a session without a level")

// Start starts a session with a new sid and sends its cookie. In the same
// transaction it ends the session of the request's cookie and, where the account
// has 100 live sessions, the oldest. Every kind of sign-in starts its session here.
// Errors: ErrChanged, ErrSecond, db.ErrUnavailable, and those of v.With.
func (s *Store) Start(w http.ResponseWriter, r *http.Request, v Verified, remember bool, by audit.Actor) (Session, error) {
	return s.StartAnd(w, r, v, remember, by, func(context.Context, *db.Tx) error { return nil })
}

// StartAnd starts a session as Start does. also runs in the same transaction.
func (s *Store) StartAnd(w http.ResponseWriter, r *http.Request, v Verified, remember bool, by audit.Actor, also func(context.Context, *db.Tx) error) (Session, error) {
	if v.Level < 1 {
		return Session{}, errLevel
	}
	old := s.presentedToken(r)
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
		if old.sid != "" {
			if _, err = end(r.Context(), tx, now, by, `sid = ? AND turn = ?`, old.sid, old.turn); err != nil {
				return err
			}
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
	s.Invalidate(append(ended, old.sid)...)
	return started, s.send(w, r, started)
}

// List returns the account's live sessions, most recently seen first, at most 100:
// the ones that started last.
func (s *Store) List(ctx context.Context, accountID string) ([]Session, error) {
	rows, err := db.All(ctx, s.opt.DB, scan, selectSessions+`s.account_id = ? ORDER BY s.started_at DESC LIMIT ?`, accountID, maxSessions)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	now := s.opt.Now()
	rows = slices.DeleteFunc(rows, func(row Session) bool { return !s.withinLimits(row, now) })
	slices.SortStableFunc(rows, func(a, b Session) int { return b.Seen.Compare(a.Seen) })
	return rows, nil
}
