package account

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// ErrGroup means that the name of a group is not of the form of one.
var ErrGroup = errors.New("a group is 1 to 32 characters: a to z, 0 to 9, and . _ - after the first")

// maxGroups is how many groups an account may be in: they go into headers, twice,
// and nginx takes 4 KB of those.
const maxGroups = 32

var group = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// SetGroups puts the account into these groups and no others. Its sessions have
// them at once, on other servers within a second. Errors: ErrGroup, ErrName,
// ErrUnknown, db.ErrUnavailable.
func (s *Store) SetGroups(ctx context.Context, name string, groups []string, by audit.Actor) error {
	joined, err := joinGroups(groups)
	if err != nil {
		return err
	}
	return s.edit(ctx, name, by, func(_ context.Context, _ *db.Tx, a *Account) error {
		a.Groups = joined
		return nil
	})
}

// joinGroups returns the groups as an account's row has them: sorted, each once,
// with commas between them. Errors: ErrGroup.
func joinGroups(groups []string) (string, error) {
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	for _, g := range groups {
		if !group.MatchString(g) || len(groups) > maxGroups {
			return "", ErrGroup
		}
	}
	return strings.Join(groups, ","), nil
}
