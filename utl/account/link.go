package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/mail"
	"glassjar/utl/session"
)

// The kinds of link: what using one does.
const (
	Join    = "join"    // creates an account
	Reset   = "reset"   // sets a new password
	Confirm = "confirm" // confirms an email address
	Lock    = "lock"    // locks the account
)

// LinkLife is how long a link is valid; only invitations may have another time.
const LinkLife = 24 * time.Hour

// ErrLink means that no link has the code, or that it was used or has expired. It
// does not say which.
var ErrLink = errors.New("the link is not valid, or no longer valid")

// Link is what a code lets its holder do.
type Link struct {
	Kind      string
	Role      string // Join: of the new account
	Groups    string // Join: of the new account; sorted, separated by commas
	Email     string // Join and Confirm: the address that using the link confirms; may be empty for Join
	AccountID string // Reset, Confirm and Lock: the account
	Username  string // of AccountID
	Expires   time.Time
	epoch     int64         // of AccountID
	factors   int64         // of AccountID
	first     bool          // the first owner's link: valid only while no account exists
	life      time.Duration // of a link to create
}

// NewJoin creates an invitation with the role, valid for LinkLife, and returns its code.
// Errors: ErrRole, ErrNoOwner, db.ErrUnavailable.
func (s *Store) NewJoin(ctx context.Context, role string, by audit.Actor) (code string, err error) {
	return s.NewInvitation(ctx, Invitation{Role: role}, by)
}

// NewReset creates a link that lets its holder set the account's password, returns its
// code, and has a second link mailed to the account's confirmed address. Both are
// cancelled when the password changes or the account is disabled, locked or deleted.
// Errors: ErrName, ErrUnknown, ErrDisabled, ErrWaiting, ErrLocked, db.ErrUnavailable.
func (s *Store) NewReset(ctx context.Context, name string, by audit.Actor) (code string, err error) {
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return "", err
	}
	switch {
	case c.Waiting:
		return "", ErrWaiting
	case c.Disabled:
		return "", ErrDisabled
	case c.Locked(s.Now()):
		return "", ErrLocked
	}
	l := Link{Kind: Reset, AccountID: c.ID, Username: c.Username, life: LinkLife}
	return s.newLink(ctx, l, by, func(tx *db.Tx, _ string) error {
		return s.mail(ctx, tx, s.message(mail.Reset, c.Account, "", by))
	})
}

// NewFirst creates the link with which the first owner creates their account, and
// cancels any earlier one. It is valid only while no account exists; if one exists,
// NewFirst returns an empty code. Errors: *MadeError, db.ErrUnavailable.
func (s *Store) NewFirst(ctx context.Context) (code string, err error) {
	if any, err := s.Any(ctx); any || err != nil {
		return "", err
	}
	code, err = s.newLink(ctx, Link{Kind: Join, Role: Owner, first: true, life: LinkLife}, audit.Command(), nil)
	if err == nil {
		s.madeFirst.Store(&madeFirst{hashCode(code), s.Now()})
	}
	return code, err
}

// newLink creates the link and returns its code. also, if not nil, runs in the same
// transaction with the link's id.
func (s *Store) newLink(ctx context.Context, l Link, by audit.Actor, also func(tx *db.Tx, id string) error) (string, error) {
	code, now := rand.Text(), s.Now()
	id := linkID(now)
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		if l.first {
			if err := s.replaceFirst(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO links (code_hash, id, kind, account_id, role, group_names, email, first, made_by, created_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, hashCode(code), id, l.Kind, l.AccountID, l.Role, l.Groups, l.Email,
			db.Flag(l.first), audit.Cap(by.Name), db.Micros(now), db.Micros(now.Add(l.life)))
		if err == nil && also != nil {
			err = also(tx, id)
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, by, "link.made", Account{Identity: identity.Identity{ID: l.AccountID, Username: l.Username}}, l.Kind)
	})
	if err != nil {
		return "", fmt.Errorf("making a link: %w", err)
	}
	return code, nil
}

// Link returns the valid link of this kind with the code. Errors: ErrLink,
// ErrReplaced, db.ErrUnavailable.
func (s *Store) Link(ctx context.Context, kind, code string) (Link, error) {
	return s.link(ctx, s.DB, kind, code)
}

func (s *Store) link(ctx context.Context, from db.Querier, kind, code string) (Link, error) {
	l, err := db.One(ctx, from, scanLink, `SELECT l.kind, l.role, l.group_names, l.email, l.account_id, COALESCE(a.username, ''), COALESCE(a.epoch, 0), COALESCE(a.factor_epoch, 0), l.expires_at
		FROM links l LEFT JOIN accounts a ON a.id = l.account_id
		WHERE (l.code_hash = ? OR l.mail_hash = ?) AND l.kind = ? AND l.used_at = 0 AND l.expires_at > ?
		AND (l.account_id = '' OR a.disabled_at = 0) AND (l.kind <> '`+Confirm+`' OR l.email = a.email)
		AND (l.first = 0 OR l.first = 1 AND NOT EXISTS (SELECT 1 FROM accounts))`, hashCode(code), hashCode(code), kind, db.Micros(s.Now()))
	if errors.Is(err, db.ErrNone) {
		err = s.whyInvalid(ctx, from, code)
	}
	return l, err
}

func scanLink(r db.Row) (l Link, err error) {
	var expires int64
	err = r.Scan(&l.Kind, &l.Role, &l.Groups, &l.Email, &l.AccountID, &l.Username, &l.epoch, &l.factors, &expires)
	l.Expires = db.Time(expires)
	return l, err
}

// Join uses the link to create an account with the link's role, groups and email
// address, and confirms that address. Errors: ErrLink, ErrNoOwner and Add's. After
// any error but ErrLink the link is still valid.
func (s *Store) Join(ctx context.Context, code, name, pw string, by audit.Actor) (session.Verified, error) {
	l, err := s.Link(ctx, Join, code)
	if err != nil {
		return session.Verified{}, err
	}
	if err := s.needOwner(ctx, l.Role); err != nil {
		return session.Verified{}, err
	}
	c, err := s.prepare(ctx, NewAccount{Username: name, Password: pw, Role: l.Role})
	if err != nil {
		return session.Verified{}, err
	}
	c.Groups, c.Email, c.EmailConfirmed = l.Groups, l.Email, l.Email != ""
	by.ID, by.Name = c.ID, c.Username
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockOwners(ctx, tx); err != nil {
			return err
		}
		if err := s.use(ctx, tx, Join, code, c.Account, by); err != nil {
			return err
		}
		return s.insert(ctx, tx, c, by)
	})
	if err != nil {
		return session.Verified{}, err
	}
	return c.Verified(1, byPassword), nil
}

// Reset uses the link to set its account's password and ends every session of
// the account. Errors: ErrLink and SetPassword's.
func (s *Store) Reset(ctx context.Context, code, pw string, by audit.Actor) (session.Verified, error) {
	l, err := s.Link(ctx, Reset, code)
	if err != nil {
		return session.Verified{}, err
	}
	a := Account{Identity: identity.Identity{ID: l.AccountID, Username: l.Username}, epoch: l.epoch, factors: l.factors}
	by.ID, by.Name = a.ID, a.Username
	return s.newPassword(ctx, a, pw, by, func(tx *db.Tx) error { return s.use(ctx, tx, Reset, code, a, by) })
}

// use marks the link as used and writes the audit entry, for the account that the
// link creates or changes. Of several concurrent uses one succeeds; the others get
// ErrLink.
func (s *Store) use(ctx context.Context, tx *db.Tx, kind, code string, a Account, by audit.Actor) error {
	if _, err := s.link(ctx, tx, kind, code); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE links SET used_at = ? WHERE (code_hash = ? OR mail_hash = ?) AND used_at = 0`,
		db.Micros(s.Now()), hashCode(code), hashCode(code))
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrLink
	}
	return s.record(ctx, tx, by, "link.used", a, kind)
}

// hashCode returns the SHA-256 hash of a link's code or an app password's secret, in
// hex: the database stores only that. Both are random and long, so that neither salt
// nor a slow hash is needed.
func hashCode(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
