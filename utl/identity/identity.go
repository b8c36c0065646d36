// Package identity has the type for who somebody is, which sessions, accounts and the gate
// share. It stores nothing.
package identity

import (
	"cmp"
	"strings"
)

// Identity is who somebody is.
type Identity struct {
	ID       string // the account's id: random, and unlike the username never reused
	Username string
	Name     string // the display name; may be empty
	Role     string // account.Owner or account.Member
	Groups   string // sorted, separated by commas
	Email    string // may be empty
}

// Called returns the display name, or the username if there is none.
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

// GroupList returns the groups as a slice, which is never nil.
func (i Identity) GroupList() []string {
	return strings.FieldsFunc(i.Groups, func(c rune) bool { return c == ',' })
}
