package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
)

// SignUpLink is the kind of link that completes a sign-up: it creates the account.
// It expires LinkLife after the sign-up form was sent.
const SignUpLink = "signup"

// maxPending is how many sign-ups wait for their link at most. It is a limit because
// strangers create them.
const maxPending = 10_000

var (
	// ErrNoEmail means that an email address is required, but none was given.
	ErrNoEmail = errors.New("an email address is needed")
	// ErrManyPending means that maxPending sign-ups wait already.
	ErrManyPending = errors.New("too many people signed up within a day")
)

// PendingSignUp is a sign-up whose link was not used yet: no account exists.
type PendingSignUp struct {
	Username string
	Email    string
	Taken    bool   // another account has taken the username meanwhile
	hash     string // of the password
}

// AskSignUp stores a sign-up and mails a link to its address; ConfirmSignUp then
// creates the account. It does not look the address up, so that neither the response
// nor its duration tells whether an account has it: MailLink does that later. Errors:
// ErrNoOwner, ErrNoEmail, ErrManyPending, and Add's except ErrRole and ErrEmailTaken.
func (s *Store) AskSignUp(ctx context.Context, w NewAccount, by audit.Actor) error {
	w.Role = Member
	if err := s.needOwner(ctx, Member); err != nil {
		return err
	}
	c, err := s.prepare(ctx, w)
	if err != nil {
		return err
	}
	if c.Email == "" {
		return ErrNoEmail
	}
	m := s.message(mail.SignUp, Account{}, "", by)
	m.To, m.Username, m.LinkID, m.By = c.Email, c.Username, rand.Text(), ""
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "pending sign-ups"); err != nil {
			return err
		}
		if err := mayPend(ctx, tx, c.Username, s.Now().Add(-LinkLife)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO pending_signups (id, username, password, email, created_at) VALUES (?, ?, ?, ?, ?)`,
			m.LinkID, c.Username, c.hash, c.Email, db.Micros(s.Now())); err != nil {
			return err
		}
		if err := s.mail(ctx, tx, m); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "signup.asked", Account{}, "") // not with the typed name: people type passwords into the wrong field
	})
	if err != nil {
		return fmt.Errorf("storing a sign-up: %w", err)
	}
	return nil
}

// mayPend returns the error that forbids one more pending sign-up with this username,
// or nil. since is the earliest time of sign-ups that still count. Errors: ErrTaken,
// ErrManyPending.
func mayPend(ctx context.Context, tx *db.Tx, username string, since time.Time) error {
	taken, err := isTaken(ctx, tx, username)
	if err == nil && taken {
		err = ErrTaken
	}
	if err != nil {
		return err
	}
	n, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM pending_signups WHERE created_at > ? LIMIT ?) AS pending`, db.Micros(since), maxPending)
	if err == nil && n >= maxPending {
		err = ErrManyPending
	}
	return err
}

// isTaken reports whether an account, even a deleted one, has the username.
func isTaken(ctx context.Context, from db.Querier, username string) (bool, error) {
	n, err := db.One(ctx, from, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM accounts WHERE username = ? UNION ALL SELECT 1 FROM deleted_names WHERE username = ?) AS taken`,
		username, username)
	return n > 0, err
}

// mailSignUp creates the code of a pending sign-up's link. The code is empty if an
// account has confirmed the address: then the mail says so. Errors: mail.ErrNotDue.
func (s *Store) mailSignUp(ctx context.Context, m mail.Message) (code string, expires time.Time, err error) {
	err = s.freeEmail(ctx, m.To)
	if errors.Is(err, ErrEmailTaken) {
		return "", expires, nil
	}
	if err != nil {
		return "", expires, err
	}
	code = rand.Text()
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		at, err := db.One(ctx, tx, db.Int, `UPDATE pending_signups SET code_hash = ? WHERE id = ? AND created_at > ? RETURNING created_at`,
			hashCode(code), m.LinkID, db.Micros(s.Now().Add(-LinkLife)))
		if errors.Is(err, db.ErrNone) {
			return mail.ErrNotDue
		}
		if err != nil {
			return fmt.Errorf("making a sign-up's link: %w", err)
		}
		expires = db.Time(at).Add(LinkLife)
		return s.record(ctx, tx, mailed, "link.made", Account{}, SignUpLink)
	})
	return code, expires, err
}

// PendingSignUp returns the pending sign-up whose link has the code. Errors: ErrLink,
// db.ErrUnavailable.
func (s *Store) PendingSignUp(ctx context.Context, code string) (PendingSignUp, error) {
	p, err := db.One(ctx, s.DB, scanPending, `SELECT username, password, email FROM pending_signups WHERE code_hash = ? AND created_at > ?`,
		hashCode(code), db.Micros(s.Now().Add(-LinkLife)))
	if errors.Is(err, db.ErrNone) {
		return p, ErrLink
	}
	if err == nil {
		p.Taken, err = isTaken(ctx, s.DB, p.Username)
	}
	if err != nil {
		return p, fmt.Errorf("reading a sign-up: %w", err)
	}
	return p, nil
}

func scanPending(r db.Row) (p PendingSignUp, err error) {
	err = r.Scan(&p.Username, &p.hash, &p.Email)
	return p, err
}

// ConfirmSignUp uses the link with the code to create the member who signed up, with
// a confirmed email address. If username is not empty, it and pw replace what was
// typed at sign-up. Errors: ErrLink, ErrNoOwner and Add's. After any error but
// ErrLink the link is still valid.
func (s *Store) ConfirmSignUp(ctx context.Context, code, username, pw string, by audit.Actor) (Account, error) {
	p, err := s.PendingSignUp(ctx, code)
	if err != nil {
		return Account{}, err
	}
	if err := s.needOwner(ctx, Member); err != nil {
		return Account{}, err
	}
	c, err := s.pendingCredentials(ctx, p, username, pw)
	if err != nil {
		return Account{}, err
	}
	by.ID, by.Name = c.ID, c.Username
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockOwners(ctx, tx); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `DELETE FROM pending_signups WHERE code_hash = ?`, hashCode(code))
		if err == nil && n == 0 {
			return ErrLink
		}
		if err == nil {
			err = s.record(ctx, tx, by, "link.used", c.Account, SignUpLink)
		}
		if err == nil {
			err = s.insert(ctx, tx, c, by)
		}
		return err
	})
	return c.Account, err
}

// pendingCredentials returns the account to create from the sign-up.
func (s *Store) pendingCredentials(ctx context.Context, p PendingSignUp, username, pw string) (c credentials, err error) {
	if username != "" {
		c, err = s.prepare(ctx, NewAccount{Username: username, Password: pw, Role: Member})
	} else {
		c.Identity, err = NewAccount{Username: p.Username, Role: Member}.identity()
		c.hash, c.epoch, c.Created = p.hash, 1, db.Time(db.Micros(s.Now()))
	}
	c.Email, c.EmailConfirmed = p.Email, true
	return c, err
}

// sweepPending deletes the sign-ups whose link has expired.
func (s *Store) sweepPending(ctx context.Context) error {
	return s.DB.Sweep(ctx, `DELETE FROM pending_signups WHERE id IN (SELECT id FROM pending_signups WHERE created_at <= ? ORDER BY created_at LIMIT ? /* FOR UPDATE SKIP LOCKED */)`,
		db.Micros(s.Now().Add(-LinkLife)))
}
