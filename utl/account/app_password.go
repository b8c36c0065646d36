package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

const (
	maxAppPasswords = 50                     // of an account
	usedEvery       = time.Minute            // how exact a last use is: writing each would cost more than all else
	usedWait        = 250 * time.Millisecond // what noting it may hold up a request
)

var (
	// ErrAppPassword means that no app password is this one, or not any more,
	// or not of this account or for this host: which of them is not told.
	ErrAppPassword = errors.New("the app password is not good, or not here")
	// ErrAppPasswordName means that an app password's name is not one.
	ErrAppPasswordName = errors.New("an app password's name is 1 to 64 characters on one line")
	// ErrAppPasswordMany means that the account has as many as it may.
	ErrAppPasswordMany = errors.New("an account has at most 50 app passwords")
)

// AppPasswordPrefix is what the secret of every app password begins with.
const AppPasswordPrefix = "gj_"

// AppPasswordForm finds the secret of an app password in a text: 260 random bits
// in base32 behind the prefix.
var AppPasswordForm = regexp.MustCompile(AppPasswordPrefix + `[A-Z2-7]{52}`)

// AppPassword lets a program through the gate in the name of an account. Its
// secret is kept as a hash alone.
type AppPassword struct {
	ID      string            // what pages call it: grants nothing
	Owner   identity.Identity // whose it is
	Name    string            // says what it is for
	Hosts   string            // names of those it is good on, with commas between them; empty: every one
	Made    time.Time         // the store's to say
	Expires time.Time         // zero: never
	Used    time.Time         // last, to the minute; zero: not yet
}

// opens reports whether the app password is good on the host.
func (p AppPassword) opens(host string) bool {
	return p.Hosts == "" || slices.Contains(strings.Split(p.Hosts, ","), host)
}

// #nosec G101 -- it is SQL
const selectAppPasswords = `SELECT p.id, p.name, p.hosts, p.created_at, p.expires_at, p.used_at,
	a.id, a.username, a.name, a.role, a.group_names, CASE WHEN a.email_confirmed = 1 THEN a.email ELSE '' END FROM app_passwords p JOIN accounts a ON a.id = p.account_id`

func scanAppPassword(r db.Row) (p AppPassword, err error) {
	var made, expires, used int64
	a := &p.Owner
	err = r.Scan(&p.ID, &p.Name, &p.Hosts, &made, &expires, &used, &a.ID, &a.Username, &a.Name, &a.Role, &a.Groups, &a.Email)
	p.Made = db.Time(made)
	if expires != 0 {
		p.Expires = db.Time(expires)
	}
	if used != 0 {
		p.Used = db.Time(used)
	}
	return p, err
}

// NewAppPassword makes an app password of the account, with the wanted name,
// hosts and expiry, and returns its secret: 260 random bits behind a prefix that
// scanners find. Any new password of the account revokes it. Errors:
// session.ErrChanged when the account is disabled, gone or changed since a was
// read, ErrLocked, ErrAppPasswordName, ErrAppPasswordMany, db.ErrUnavailable.
func (s *Store) NewAppPassword(ctx context.Context, a Account, wanted AppPassword, by audit.Actor) (secret string, err error) {
	name := strings.TrimSpace(wanted.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 64 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return "", ErrAppPasswordName
	}
	secret, expires := AppPasswordPrefix+rand.Text()+rand.Text(), int64(0)
	if !wanted.Expires.IsZero() {
		expires = db.Micros(wanted.Expires)
	}
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := checkLimit(ctx, tx, a); err != nil {
			return err
		}
		if _, err := s.unlocked(ctx, tx, a.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO app_passwords (id, secret_hash, account_id, name, hosts, created_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`, rand.Text(), hashCode(secret), a.ID, name, wanted.Hosts, db.Micros(s.Now()), expires)
		if err != nil {
			return err
		}
		return s.record(ctx, tx, by, "apppassword.made", a, name)
	})
	if err != nil {
		return "", fmt.Errorf("making an app password: %w", err)
	}
	return secret, nil
}

// checkLimit returns session.ErrChanged when the account is not what it was
// when a was read, and ErrAppPasswordMany when it has as many as it may.
func checkLimit(ctx context.Context, tx *db.Tx, a Account) error {
	if err := session.LockAccount(ctx, tx, a.ID); err != nil {
		return err
	}
	same, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM accounts WHERE id = ? AND epoch = ? AND disabled_at = 0`, a.ID, a.epoch)
	if err != nil {
		return err
	}
	if same == 0 {
		return session.ErrChanged
	}
	has, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM app_passwords WHERE account_id = ?`, a.ID)
	if err == nil && has >= maxAppPasswords {
		return ErrAppPasswordMany
	}
	return err
}

// AppPasswords returns the account's app passwords, the newest first, those
// too that have expired.
func (s *Store) AppPasswords(ctx context.Context, accountID string) ([]AppPassword, error) {
	all, err := db.All(ctx, s.DB, scanAppPassword, selectAppPasswords+` WHERE a.id = ? ORDER BY p.created_at DESC, p.id LIMIT ?`,
		accountID, maxAppPasswords)
	if err != nil {
		return nil, fmt.Errorf("listing app passwords: %w", err)
	}
	return all, nil
}

// AppPassword returns the app password with the secret, if it is good on the
// host and, where a username was typed too, that account's. It reads the
// database each time, so that what was revoked is refused at once, by every
// server. Errors: ErrAppPassword, db.ErrUnavailable.
func (s *Store) AppPassword(ctx context.Context, secret, typed, host string) (AppPassword, error) {
	now := s.Now()
	p, err := db.One(ctx, s.DB, scanAppPassword, selectAppPasswords+` WHERE p.secret_hash = ? AND a.disabled_at = 0
		AND (p.expires_at = 0 OR p.expires_at > ?)`, hashCode(secret), db.Micros(now))
	if err != nil && !errors.Is(err, db.ErrNone) {
		return AppPassword{}, fmt.Errorf("reading an app password: %w", err)
	}
	name, _ := Username(typed) // "" is nobody's
	if err != nil || !p.opens(host) || typed != "" && name != p.Owner.Username {
		return AppPassword{}, ErrAppPassword
	}
	if now.Sub(p.Used) >= usedEvery && s.uses.due(p.ID, now) {
		s.noteUse(ctx, p.ID, now)
	}
	return p, nil
}

// noteUse writes when the app password was used last, unless that would hold up
// who waits for an answer: then a use a minute later is noted.
func (s *Store) noteUse(ctx context.Context, id string, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, usedWait)
	defer cancel()
	_ = s.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE app_passwords SET used_at = ? WHERE id = ? AND used_at <= ?`,
			db.Micros(now), id, db.Micros(now.Add(-usedEvery)))
		return err
	})
}

// useLimiter remembers whose last use was to be noted within the same minute: while
// the database takes no writes, each app password waits for it once.
type useLimiter struct {
	mu    sync.Mutex
	began time.Time
	seen  map[string]bool // by app password's id
}

// due reports whether the use is the app password's first in this minute.
func (u *useLimiter) due(id string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.began).Abs() >= usedEvery {
		u.began, u.seen = now, map[string]bool{}
	}
	was := u.seen[id]
	u.seen[id] = true
	return !was
}

// RevokeAppPassword revokes the account's app password with the id that pages
// know it by. Errors: ErrAppPassword when there is none, also when it is
// another account's; db.ErrUnavailable.
func (s *Store) RevokeAppPassword(ctx context.Context, a Account, id string, by audit.Actor) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := s.revoke(ctx, tx, by, a, ` AND id = ?`, id)
		if err == nil && n == 0 || errors.Is(err, db.ErrNone) { // PostgreSQL takes no such text
			return ErrAppPassword
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoking an app password: %w", err)
	}
	return nil
}

// RevokeAppPasswords revokes all app passwords of the account, in the transaction of a
// change that ends what its person, or a thief, set up before. session.LockAccount
// comes before it.
func (s *Store) RevokeAppPasswords(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) error {
	_, err := s.revoke(ctx, tx, by, Account{Identity: of}, "")
	return err
}

// revoke revokes the account's app passwords, of which there are 50 at most,
// those that the further condition finds, and returns how many these were.
func (s *Store) revoke(ctx context.Context, tx *db.Tx, by audit.Actor, a Account, and string, args ...any) (int, error) {
	names, err := db.All(ctx, tx, db.Text, `DELETE FROM app_passwords WHERE account_id = ?`+and+` RETURNING name`, append([]any{a.ID}, args...)...)
	for _, name := range names {
		if err == nil {
			err = s.record(ctx, tx, by, "apppassword.revoked", a, name)
		}
	}
	return len(names), err
}
