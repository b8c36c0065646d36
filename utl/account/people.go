package account

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"glassjar/utl/db"
)

// PeoplePage is how many people a page of People has.
const PeoplePage = 50

// The states of an account that a Query can ask for.
const (
	Active   = "active"
	Disabled = "disabled"
	Waiting  = "waiting" // for an owner's approval
)

// State returns Active, Disabled or Waiting.
func (a Account) State() string {
	switch {
	case a.Waiting:
		return Waiting
	case a.Disabled:
		return Disabled
	}
	return Active
}

// Locked is the state, which only StateAt returns, of an active account that is
// locked.
const Locked = "locked"

// StateAt returns State, or Locked for an active account that is locked at that time.
func (a Account) StateAt(at time.Time) string {
	if a.State() == Active && a.Locked(at) {
		return Locked
	}
	return a.State()
}

// Query selects people: those who match all its fields. An empty field matches
// everybody.
type Query struct {
	Prefix string // of the username, the email address or a word of the display name, or of several words; case does not matter
	Role   string // Owner or Member
	Group  string
	State  string // Active, Disabled or Waiting
	After  string // the last username of the page before

	words []string // prefixes, of each of which people have a word
}

// Person is an account as owners see it.
type Person struct {
	Account

	Seen     time.Time // when one of its sessions was last used; zero: no session is stored
	App      bool      // whether it has an authenticator app
	Passkeys int
}

// selectPeople reads every stored session of each account for Seen. Package session
// limits how many there are.
const selectPeople = `SELECT a.id, a.username, a.name, a.role, a.group_names, a.email, a.email_confirmed, a.created_at, a.disabled_at, a.waiting_at, a.locked_until,
	COALESCE((SELECT MAX(s.seen_at) FROM sessions s WHERE s.account_id = a.id), 0),
	(SELECT COUNT(*) FROM authenticators c WHERE c.account_id = a.id), (SELECT COUNT(*) FROM passkeys p WHERE p.account_id = a.id) FROM accounts a`

func scanPerson(r db.Row) (p Person, err error) {
	var created, disabled, waiting, locked, seen, confirmed, apps int64
	err = r.Scan(&p.ID, &p.Username, &p.Name, &p.Role, &p.Groups, &p.Email, &confirmed, &created, &disabled, &waiting, &locked, &seen, &apps, &p.Passkeys)
	p.Created, p.Disabled, p.Waiting, p.EmailConfirmed = db.Time(created), disabled != 0, waiting != 0, confirmed != 0
	if locked != 0 {
		p.LockedUntil = db.Time(locked)
	}
	p.App = apps > 0
	if seen != 0 {
		p.Seen = db.Time(seen)
	}
	return p, err
}

// Person returns the person with the username. Errors: ErrName, ErrUnknown,
// db.ErrUnavailable.
func (s *Store) Person(ctx context.Context, typed string) (Person, error) {
	name, err := Username(typed)
	if err != nil {
		return Person{}, err
	}
	p, err := db.One(ctx, s.DB, scanPerson, selectPeople+` WHERE a.username = ?`, name)
	if errors.Is(err, db.ErrNone) {
		return Person{}, ErrUnknown
	}
	return p, err
}

// maxWords is how many words of a display name are indexed for the search.
const maxWords = 8

// words returns the words that the search finds the account by, in lower case: its
// username, its email address and the first words of its display name.
func words(a Account) []string {
	all := []string{a.Username}
	if a.Email != "" {
		all = append(all, a.Email)
	}
	parts := nameWords(strings.ToLower(a.Name))
	return append(all, parts[:min(len(parts), maxWords)]...)
}

// nameWords returns the words of a name.
func nameWords(name string) []string {
	return strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsMark(c) && !unicode.IsDigit(c) })
}

// indexPerson writes the account's search index: at most maxWords + 2 words and
// maxGroups groups.
func indexPerson(ctx context.Context, tx *db.Tx, a Account) error {
	if err := unindexPerson(ctx, tx, a.Username); err != nil {
		return err
	}
	for _, word := range words(a) {
		if _, err := tx.Exec(ctx, `INSERT INTO account_words (word, username) VALUES (?, ?) ON CONFLICT DO NOTHING`, word, a.Username); err != nil {
			return err
		}
	}
	for _, g := range a.GroupList() {
		if _, err := tx.Exec(ctx, `INSERT INTO account_groups (group_name, username) VALUES (?, ?)`, g, a.Username); err != nil {
			return err
		}
	}
	return nil
}

func unindexPerson(ctx context.Context, tx *db.Tx, username string) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_words WHERE username = ?`, username)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM account_groups WHERE username = ?`, username)
	}
	return err
}
