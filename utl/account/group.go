package account

import (
	"context"
	"errors"
	"slices"
	"strings"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
)

// ErrGroup means that the name of a group is malformed, or that there are more than
// maxGroups.
var ErrGroup = errors.New("a group is 1 to 32 characters: a to z, 0 to 9, and . _ - after the first")

// maxGroups is how many groups an account may be in. The gate sends them to apps in
// two headers, and nginx accepts 4 KB of headers.
const maxGroups = 32

// SetGroups puts the account into exactly these groups. Its sessions have them at
// once on this server, and within a second on others. Errors: ErrGroup, ErrName,
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

// joinGroups returns the groups as the database stores them: sorted, without
// duplicates, separated by commas. Errors: ErrGroup.
func joinGroups(groups []string) (string, error) {
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	for _, g := range groups {
		if !identity.IsGroup(g) || len(groups) > maxGroups {
			return "", ErrGroup
		}
	}
	return strings.Join(groups, ","), nil
}
