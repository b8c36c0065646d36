package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/mail"
)

const (
	// MaxDays is the longest validity of an invitation, in days.
	MaxDays = 30
	// InvitationsPage is how many invitations a page of Invitations has.
	InvitationsPage = 50
)

// ErrDays means that the number of days is not in the range 1 to MaxDays.
var ErrDays = fmt.Errorf("an invitation is valid for 1 to %d days", MaxDays)

// Invitation is a join link that is not used yet. Only Invitations sets the last
// three fields.
type Invitation struct {
	Role   string   // of the new account
	Groups []string // of the new account
	Email  string   // where it was sent; joining confirms the address; may be empty
	Days   int      // validity in days, from 1 to MaxDays; 0: LinkLife

	ID      string // used in URLs and forms; not the link's code, grants nothing
	By      string // the username of whoever created it
	Expires time.Time
}

// NewInvitation creates a link that lets its holder create an account. If i has an
// email address, the link is mailed there too, with a second code; using one code
// uses up both. Errors: ErrRole, ErrGroup, ErrEmail, ErrEmailTaken, ErrDays,
// ErrNoOwner, db.ErrUnavailable.
func (s *Store) NewInvitation(ctx context.Context, i Invitation, by audit.Actor) (code string, err error) {
	l, err := i.link()
	if err != nil {
		return "", err
	}
	if err := s.needOwner(ctx, l.Role); err != nil {
		return "", err
	}
	if err := s.freeEmail(ctx, l.Email); err != nil {
		return "", err
	}
	return s.newLink(ctx, l, by, func(tx *db.Tx, id string) error {
		m := s.message(mail.Invitation, Account{}, l.Role, by)
		m.To, m.LinkID = l.Email, id
		return s.mail(ctx, tx, m)
	})
}

// link checks the invitation and returns it as a Link. Errors: ErrRole, ErrGroup,
// ErrEmail, ErrDays.
func (i Invitation) link() (l Link, err error) {
	l = Link{Kind: Join, Role: i.Role, life: LinkLife}
	if i.Role != Owner && i.Role != Member {
		return l, ErrRole
	}
	if i.Days < 0 || i.Days > MaxDays {
		return l, ErrDays
	}
	if i.Days > 0 {
		l.life = time.Duration(i.Days) * 24 * time.Hour
	}
	if l.Groups, err = joinGroups(i.Groups); err != nil {
		return l, err
	}
	l.Email, err = emailAddress(i.Email)
	return l, err
}

// freeEmail returns ErrEmailTaken if an account has confirmed the address.
func (s *Store) freeEmail(ctx context.Context, email string) error {
	if email == "" {
		return nil
	}
	_, err := one(ctx, s.DB, `email = ? AND email_confirmed = 1`, email)
	switch {
	case err == nil:
		return ErrEmailTaken
	case errors.Is(err, ErrUnknown):
		return nil
	}
	return err
}

// linkID returns a new link's id. Ids sort in the order of their creation.
func linkID(now time.Time) string {
	return strconv.FormatInt(db.Micros(now), 10) + "-" + rand.Text()[:16]
}

// open is the SQL condition for an unused invitation. It repeats the condition of the
// table's partial index, so that the database uses that index.
const open = `kind = 'join' AND used_at = 0 AND first = 0`

// Invitations returns the unused invitations created before the one with the id,
// newest first: at most InvitationsPage, plus one if more follow. The first page is
// before "". Errors: db.ErrUnavailable.
func (s *Store) Invitations(ctx context.Context, before string) ([]Invitation, error) {
	now := s.Now()
	if before == "" {
		before = "a" // sorts after every id, which begins with a digit
	}
	oldest := strconv.FormatInt(db.Micros(now.Add(-MaxDays*24*time.Hour)), 10)
	all, err := db.All(ctx, s.DB, scanInvitation, `SELECT id, role, group_names, email, made_by, expires_at FROM links
		WHERE `+open+` AND id < ? AND id >= ? AND expires_at > ? ORDER BY id DESC LIMIT ?`,
		before, oldest, db.Micros(now), InvitationsPage+1)
	if err != nil {
		return nil, fmt.Errorf("listing invitations: %w", err)
	}
	return all, nil
}

func scanInvitation(r db.Row) (i Invitation, err error) {
	var groups string
	var expires int64
	err = r.Scan(&i.ID, &i.Role, &groups, &i.Email, &i.By, &expires)
	i.Groups, i.Expires = identity.Identity{Groups: groups}.GroupList(), db.Time(expires)
	return i, err
}

// Withdraw deletes the unused invitation with the id. Errors: ErrLink when there is
// none, db.ErrUnavailable.
func (s *Store) Withdraw(ctx context.Context, id string, by audit.Actor) error {
	return s.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM links WHERE `+open+` AND id = ? AND expires_at > ?`, id, db.Micros(s.Now()))
		if errors.Is(err, db.ErrNone) || err == nil && n == 0 { // db.ErrNone: PostgreSQL refuses an id with a NUL byte
			return ErrLink
		}
		if err != nil {
			return fmt.Errorf("withdrawing an invitation: %w", err)
		}
		return s.record(ctx, tx, by, "link.withdrawn", Account{}, Join)
	})
}
