// Package account keeps people's accounts and the links that make or mend
// them. Every change is audited in its own transaction and ends the sessions
// that it must end. It refuses names and passwords that break the rules, and
// to leave the place without an owner.
package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/mail"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// UsernameRule says in words what Username takes.
const UsernameRule = "a username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit"

// The two roles.
const (
	Owner  = "owner"
	Member = "member"
)

var (
	// ErrName means that the username is not of the form of one.
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
	// account is disabled: which of them is not told.
	ErrSignIn = errors.New("the username or password is not right")
)

var username = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// Account is a person's record.
type Account struct {
	identity.Identity

	EmailConfirmed bool // a link to the address was opened: only then apps are told of it
	Created        time.Time
	Disabled       bool
	Waiting        bool      // an owner has to say yes; then it is Disabled too
	LockedUntil    time.Time // zero: the account is not locked
	epoch          int64
	factors        int64 // counts the changes of its factors
}

// FromSession returns the account that the live session belongs to.
func FromSession(s session.Session) Account { return Account{Identity: s.Identity, epoch: s.Epoch} }

// Verified returns what a session may be started with, once the account's person
// proved who they are: to the level, by the factors.
func (a Account) Verified(level int, amr string) session.Verified {
	return session.Verified{AccountID: a.ID, Username: a.Username, Epoch: a.epoch, Factors: a.factors, Level: level, AMR: amr}
}

// byPassword is what RFC 8176 calls the factor that is a password.
const byPassword = "pwd"

// Options are what a Store needs.
type Options struct {
	DB       *db.DB
	Sessions *session.Store
	Hasher   *password.Hasher
	Host     string      // the site's host name, which no password may hold
	Mail     *mail.Queue // nil: no mail is sent
	Now      func() time.Time

	SecondFactor bool // nobody may take away the last one of their own
}

// Store reads and changes accounts and links.
type Store struct {
	Options

	uses useLimiter // of app passwords
}

// New returns a store.
func New(o Options) *Store { return &Store{Options: o} }

// Username returns the username as it is kept: what was typed, trimmed, with
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

// Trim returns a typed username without the white space and the invisible
// characters before and after it, which keyboards and editors put there.
func Trim(typed string) string {
	return strings.TrimFunc(typed, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

// credentials is an account with its password's hash.
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

// listRows is how many accounts List returns at most.
const listRows = 1000

// List returns the accounts that follow the username, by username, 1,000 at
// most: none means that these were all. The first page follows "".
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

// Any reports whether an account exists.
func (s *Store) Any(ctx context.Context) (bool, error) {
	n, err := db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM accounts LIMIT 1) AS found`)
	return n > 0, err
}

// record adds what was done to the account to the transaction that does it.
func (s *Store) record(ctx context.Context, tx *db.Tx, by audit.Actor, kind string, a Account, detail string) error {
	return audit.Record(ctx, tx, s.Now(), by, audit.Event{Kind: kind, AccountID: a.ID, Username: a.Username, Detail: detail})
}
