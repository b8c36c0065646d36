// Package identity has the type for who somebody is, which sessions, accounts and the gate
// share. It stores nothing.
package identity

import (
	"cmp"
	"regexp"
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

var groupForm = regexp.MustCompile(`\A[a-z0-9][a-z0-9._-]{0,31}\z`)

// IsGroup reports whether the text is the name of a group: 1 to 32 of a to z, 0 to 9, and
// . _ - after the first. So a list of groups has commas between them, and no proxy reads
// one as more than a name.
func IsGroup(text string) bool { return groupForm.MatchString(text) }

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
