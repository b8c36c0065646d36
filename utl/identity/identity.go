// Package identity says who somebody is: what a session, an account and the
// gate all tell of a person. It keeps nothing.
package identity

import (
	"cmp"
	"strings"
)

// Identity is who somebody is.
type Identity struct {
	ID       string // the account's: random, never reused, unlike the username
	Username string
	Name     string // the display name, may be empty
	Role     string // account.Owner or account.Member
	Groups   string // sorted, with commas between them
	Email    string // may be empty
}

// Called returns the display name, or the username where there is none.
func (i Identity) Called() string { return cmp.Or(i.Name, i.Username) }

// HasGroup reports whether the person is in the group.
func (i Identity) HasGroup(group string) bool {
	for one := range strings.SplitSeq(i.Groups, ",") {
		if one == group && one != "" {
			return true
		}
	}
	return false
}

// GroupList returns the groups one by one, never nil.
func (i Identity) GroupList() []string {
	return strings.FieldsFunc(i.Groups, func(c rune) bool { return c == ',' })
}
