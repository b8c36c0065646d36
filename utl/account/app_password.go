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
	maxAppPasswords = 50                     // per account
	usedEvery       = time.Minute            // precision of LastUsedAt: writing every use would cost more than the check itself
	usedWait        = 250 * time.Millisecond // how long writing LastUsedAt may delay a request
)

var (
	// ErrAppPassword means that the app password does not exist, was revoked or has
	// expired, or belongs to another account or other hosts. It does not say which.
	ErrAppPassword = errors.New("the app password is not valid, or not for this host")
	// ErrAppPasswordName means that the name of an app password is malformed.
	ErrAppPasswordName = errors.New("an app password's name is 1 to 64 characters on one line")
	// ErrAppPasswordMany means that the account already has 50 app passwords.
	ErrAppPasswordMany = errors.New("an account has at most 50 app passwords")
)

// AppPasswordPrefix is what the secret of every app password begins with.
const AppPasswordPrefix = "gj_"

// AppPasswordForm matches the secret of an app password anywhere in a text: the
// prefix, then 260 random bits in base32.
var AppPasswordForm = regexp.MustCompile(AppPasswordPrefix + `[A-Z2-7]{52}`)

// AppPassword lets a program through the gate in the name of an account. The
// database stores only a hash of its secret.
type AppPassword struct {
	ID         string            // used in URLs and forms; grants nothing
	Owner      identity.Identity // the account
	Name       string            // what it is for, as its owner typed it
	Hosts      string            // the host names where it is valid, separated by commas; empty: everywhere
	CreatedAt  time.Time         // set by the store
	Expires    time.Time         // zero: never
	LastUsedAt time.Time         // exact to a minute; zero: never used
}

// allowsHost reports whether the app password is valid on the host.
func (p AppPassword) allowsHost(host string) bool {
	return p.Hosts == "" || slices.Contains(strings.Split(p.Hosts, ","), host)
}

// #nosec G101 -- it is SQL
const selectAppPasswords = `SELECT p.id, p.name, p.hosts, p.created_at, p.expires_at, p.used_at,
	a.id, a.username, a.name, a.role, a.group_names, CASE WHEN a.email_confirmed = 1 THEN a.email ELSE '' END FROM app_passwords p JOIN accounts a ON a.id = p.account_id`

func scanAppPassword(r db.Row) (p AppPassword, err error) {
	var made, expires, used int64
	a := &p.Owner
	err = r.Scan(&p.ID, &p.Name, &p.Hosts, &made, &expires, &used, &a.ID, &a.Username, &a.Name, &a.Role, &a.Groups, &a.Email)
	p.CreatedAt = db.Time(made)
	if expires != 0 {
		p.Expires = db.Time(expires)
	}
	if used != 0 {
		p.LastUsedAt = db.Time(used)
	}
	return p, err
}

// NewAppPassword creates an app password of the account, with wanted's Name, Hosts
// and Expires, and returns its secret: 260 random bits after a prefix by which
// secret scanners recognise it. It is revoked when the account's password changes.
// Errors: session.ErrChanged when the account was disabled, deleted or changed since
// a was read, ErrLocked, ErrAppPasswordName, ErrAppPasswordMany, db.ErrUnavailable.
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

// checkLimit returns session.ErrChanged if the account has changed since a was read,
// and ErrAppPasswordMany if it already has maxAppPasswords.
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

// AppPasswords returns the account's app passwords, newest first and at most 50,
// including expired ones. Errors: db.ErrUnavailable.
func (s *Store) AppPasswords(ctx context.Context, accountID string) ([]AppPassword, error) {
	all, err := db.All(ctx, s.DB, scanAppPassword, selectAppPasswords+` WHERE a.id = ? ORDER BY p.created_at DESC, p.id LIMIT ?`,
		accountID, maxAppPasswords)
	if err != nil {
		return nil, fmt.Errorf("listing app passwords: %w", err)
	}
	return all, nil
}

// AppPassword returns the app password with the secret, if it is valid on the host
// and, when typed is not empty, belongs to the account with that username. It reads
// the database each time, so that every server refuses a revoked one at once.
// Errors: ErrAppPassword, db.ErrUnavailable.
func (s *Store) AppPassword(ctx context.Context, secret, typed, host string) (AppPassword, error) {
	now := s.Now()
	p, err := db.One(ctx, s.DB, scanAppPassword, selectAppPasswords+` WHERE p.secret_hash = ? AND a.disabled_at = 0
		AND (p.expires_at = 0 OR p.expires_at > ?)`, hashCode(secret), db.Micros(now))
	if err != nil && !errors.Is(err, db.ErrNone) {
		return AppPassword{}, fmt.Errorf("reading an app password: %w", err)
	}
	name, _ := Username(typed) // "" for a malformed username, which no account has
	if err != nil || !p.allowsHost(host) || typed != "" && name != p.Owner.Username {
		return AppPassword{}, ErrAppPassword
	}
	if now.Sub(p.LastUsedAt) >= usedEvery && s.uses.due(p.ID, now) {
		s.noteUse(ctx, p.ID, now)
	}
	return p, nil
}

// noteUse writes the time of the app password's last use. It gives up after usedWait,
// so that the request is not delayed; a use in a later minute tries again.
func (s *Store) noteUse(ctx context.Context, id string, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, usedWait)
	defer cancel()
	_ = s.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE app_passwords SET used_at = ? WHERE id = ? AND used_at <= ?`,
			db.Micros(now), id, db.Micros(now.Add(-usedEvery)))
		return err
	})
}

// useLimiter remembers for which app passwords noteUse was called in this minute:
// while the database accepts no writes, each delays one request a minute at most.
type useLimiter struct {
	mu    sync.Mutex
	began time.Time
	seen  map[string]bool // by the app password's id
}

// due reports whether this use is the app password's first in this minute.
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

// RevokeAppPassword revokes the account's app password with this ID. Errors:
// ErrAppPassword when the account has none with it, db.ErrUnavailable.
func (s *Store) RevokeAppPassword(ctx context.Context, a Account, id string, by audit.Actor) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := s.revoke(ctx, tx, by, a, ` AND id = ?`, id)
		if err == nil && n == 0 || errors.Is(err, db.ErrNone) { // db.ErrNone: PostgreSQL refuses an id that is not valid text
			return ErrAppPassword
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoking an app password: %w", err)
	}
	return nil
}

// RevokeAppPasswords revokes all app passwords of the account, in the transaction of
// a change that ends every access set up before, by its person or by a thief. The
// transaction must have called session.LockAccount.
func (s *Store) RevokeAppPasswords(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) error {
	_, err := s.revoke(ctx, tx, by, Account{Identity: of}, "")
	return err
}

// revoke deletes the account's app passwords, at most 50, that match the further SQL
// condition, audits each, and returns how many it deleted.
func (s *Store) revoke(ctx context.Context, tx *db.Tx, by audit.Actor, a Account, and string, args ...any) (int, error) {
	names, err := db.All(ctx, tx, db.Text, `DELETE FROM app_passwords WHERE account_id = ?`+and+` RETURNING name`, append([]any{a.ID}, args...)...)
	for _, name := range names {
		if err == nil {
			err = s.record(ctx, tx, by, "apppassword.revoked", a, name)
		}
	}
	return len(names), err
}
