// Package account stores people's accounts, their one-time links (invitation,
// password reset, email confirmation, lock) and their app passwords. Every change
// writes its audit entry in the same transaction, and ends the account's sessions
// where the change requires it. It refuses usernames and passwords that break the
// rules, and changes that would leave no owner who can sign in.
package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/mail"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// UsernameRule is the sentence that describes a valid username; Username checks it.
const UsernameRule = "a username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit"

// The two roles.
const (
	Owner  = "owner"
	Member = "member"
)

var (
	// ErrName means that the username is malformed: see UsernameRule.
	ErrName = errors.New(UsernameRule)
	// ErrTaken means that another account has the username.
	ErrTaken = errors.New("the username is taken")
	// ErrUnknown means that there is no such account.
	ErrUnknown = errors.New("no such account")
	// ErrDisabled means that the account is disabled.
	ErrDisabled = errors.New("the account is disabled")
	// ErrRole means that the role is neither owner nor member.
	ErrRole = errors.New("a role is owner or member")
	// ErrLastOwner means that the change would leave no owner who can sign in.
	ErrLastOwner = errors.New("this is the last owner")
	// ErrSignIn means that the username or the password is wrong, or that the
	// account is disabled. It does not say which.
	ErrSignIn = errors.New("the username or password is not right")
)

var username = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// Account is a person's record.
type Account struct {
	identity.Identity

	EmailConfirmed bool // a link mailed to the address was opened: apps receive only a confirmed address
	Created        time.Time
	Disabled       bool
	Waiting        bool      // an owner has not approved the account yet; it is Disabled meanwhile
	LockedUntil    time.Time // zero: the account is not locked
	epoch          int64     // incremented by changes that end its sessions: sessions of an older epoch are refused
	factors        int64     // incremented whenever a second factor is added or removed
}

// FromSession returns the account of the session, which must be live. Only its
// identity and its epoch are set.
func FromSession(s session.Session) Account { return Account{Identity: s.Identity, epoch: s.Epoch} }

// Verified returns what session.Start needs to start a session for the account.
// Call it once the person has proven who they are: to this level (1 or 2), by these
// factors (amr, in the words of RFC 8176).
func (a Account) Verified(level int, amr string) session.Verified {
	return session.Verified{AccountID: a.ID, Username: a.Username, Epoch: a.epoch, Factors: a.factors, Level: level, AMR: amr}
}

// byPassword is the name of the password factor in RFC 8176, section 2.
const byPassword = "pwd"

// Options are what a Store needs.
type Options struct {
	DB       *db.DB
	Sessions *session.Store
	Hasher   *password.Hasher
	Host     string      // the site's host name, which no password may contain
	Mail     *mail.Queue // nil: no mail is sent
	Now      func() time.Time

	SecondFactor bool // SECOND_FACTOR=required: nobody may remove their own last second factor
}

// Store reads and changes accounts and links.
type Store struct {
	Options

	madeFirst atomic.Pointer[madeFirst] // the link for the first owner that this server created last; or nil

	uses useLimiter // limits how often an app password's last use is written
}

// New returns a Store.
func New(o Options) *Store { return &Store{Options: o} }

// Username returns the username as it is stored: what was typed, trimmed, with
// ASCII letters lower-cased. Errors: ErrName.
func Username(typed string) (string, error) {
	name := strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, Trim(typed))
	if !username.MatchString(name) {
		return "", ErrName
	}
	return name, nil
}

// Trim removes white space and invisible characters from both ends of a typed name
// or address: keyboards and editors add them.
func Trim(typed string) string {
	return strings.TrimFunc(typed, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

// credentials is an account and the hash of its password.
type credentials struct {
	Account

	hash string
}

const selectAccounts = `SELECT id, username, name, role, group_names, email, email_confirmed, password, epoch, factor_epoch, created_at, disabled_at, waiting_at, locked_until FROM accounts`

func scan(r db.Row) (c credentials, err error) {
	var confirmed, created, disabled, waiting, locked int64
	err = r.Scan(&c.ID, &c.Username, &c.Name, &c.Role, &c.Groups, &c.Email, &confirmed, &c.hash, &c.epoch, &c.factors, &created, &disabled, &waiting, &locked)
	c.EmailConfirmed, c.Created, c.Disabled, c.Waiting = confirmed != 0, db.Time(created), disabled != 0, waiting != 0
	if locked != 0 {
		c.LockedUntil = db.Time(locked)
	}
	return c, err
}

// Find returns the account with the username. Errors: ErrName, ErrUnknown,
// db.ErrUnavailable.
func (s *Store) Find(ctx context.Context, name string) (Account, error) {
	c, err := s.find(ctx, s.DB, name)
	return c.Account, err
}

// find returns the account with the username. Errors: ErrName, ErrUnknown.
func (s *Store) find(ctx context.Context, from db.Querier, typed string) (credentials, error) {
	name, err := Username(typed)
	if err != nil {
		return credentials{}, err
	}
	return one(ctx, from, `username = ?`, name)
}

func one(ctx context.Context, from db.Querier, where string, args ...any) (credentials, error) {
	c, err := db.One(ctx, from, scan, selectAccounts+` WHERE `+where, args...)
	if errors.Is(err, db.ErrNone) {
		return c, ErrUnknown
	}
	if err != nil {
		return c, fmt.Errorf("reading an account: %w", err)
	}
	return c, nil
}

// listRows is the maximum number of accounts that List returns.
const listRows = 1000

// List returns the accounts whose usernames sort after the given one, ordered by
// username, at most 1,000. The first page is after ""; an empty page is the end.
// Errors: db.ErrUnavailable.
func (s *Store) List(ctx context.Context, after string) ([]Account, error) {
	all, err := db.All(ctx, s.DB, scan, selectAccounts+` WHERE username > ? ORDER BY username LIMIT ?`, after, listRows)
	if err != nil {
		return nil, fmt.Errorf("listing accounts: %w", err)
	}
	accounts := make([]Account, len(all))
	for i, c := range all {
		accounts[i] = c.Account
	}
	return accounts, nil
}

// Any reports whether any account exists. Errors: db.ErrUnavailable.
func (s *Store) Any(ctx context.Context) (bool, error) {
	n, err := db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM accounts LIMIT 1) AS found`)
	return n > 0, err
}

// record writes the audit entry of a change of the account, in the transaction of
// that change.
func (s *Store) record(ctx context.Context, tx *db.Tx, by audit.Actor, kind string, a Account, detail string) error {
	return audit.Record(ctx, tx, s.Now(), by, audit.Event{Kind: kind, AccountID: a.ID, Username: a.Username, Detail: detail})
}
