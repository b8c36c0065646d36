package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// ErrGroup means that the name of a group is not of the form of one.
var ErrGroup = errors.New("a group is 1 to 32 characters: a to z, 0 to 9, and . _ - after the first")

// mostGroups is how many groups an account may be in: they go into headers, twice,
// and nginx takes 4 KB of those.
const mostGroups = 32

var group = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// SetGroups puts the account into these groups and no others. Its sessions have
// them at once, on other servers within a second. Errors: ErrGroup, ErrName,
// ErrUnknown, db.ErrUnavailable.
func (s *Store) SetGroups(ctx context.Context, name string, groups []string, by audit.Actor) error {
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	for _, g := range groups {
		if !group.MatchString(g) || len(groups) > mostGroups {
			return ErrGroup
		}
	}
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return err
	}
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, c.ID); err != nil {
			return err
		}
		joined := strings.Join(groups, ",")
		n, err := tx.Exec(ctx, `UPDATE accounts SET group_names = ? WHERE id = ?`, joined, c.ID)
		if err == nil && n == 0 {
			err = ErrUnknown
		}
		if err == nil {
			err = session.Touch(ctx, tx, s.Now(), c.ID)
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, by, "account.groups", c.Account, joined)
	})
	if err != nil {
		return fmt.Errorf("setting the groups of %q: %w", c.Username, err)
	}
	s.Sessions.ForgetAccount(c.ID)
	return nil
}
