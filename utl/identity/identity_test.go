package identity_test

import (
	"slices"
	"strings"
	"testing"

	"glassjar/utl/identity"
)

func TestCalledByNameElseUsername(t *testing.T) {
	if got := (identity.Identity{Username: "ada", Name: "Ada L."}).Called(); got != "Ada L." {
		t.Errorf("with a name: got %q, want it", got)
	}
	if got := (identity.Identity{Username: "ada"}).Called(); got != "ada" {
		t.Errorf("without a name: got %q, want the username", got)
	}
}

func TestGroupList(t *testing.T) {
	for groups, want := range map[string][]string{"": {}, "dev": {"dev"}, "dev,ops": {"dev", "ops"}} {
		if got := (identity.Identity{Groups: groups}).GroupList(); got == nil || !slices.Equal(got, want) {
			t.Errorf("groups of %q: got %#v, want %#v: a token says [], never null", groups, got, want)
		}
	}
}

func TestIsGroup(t *testing.T) {
	for _, text := range []string{"dev", "0", "a._-9", strings.Repeat("a", 32)} {
		if !identity.IsGroup(text) {
			t.Errorf("%q is refused", text)
		}
	}
	for _, text := range []string{"", "Dev", "-a", ".a", "_a", "a b", "a,b", "a\n", "\na", "ä", "a\x00", "a;b", strings.Repeat("a", 33)} {
		if identity.IsGroup(text) {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestHasGroup(t *testing.T) {
	for _, tt := range []struct {
		groups, group string
		want          bool
	}{
		{"dev,ops", "dev", true},
		{"dev,ops", "ops", true},
		{"dev", "de", false},
		{"dev,ops", "dev,ops", false},
		{"", "", false},
		{"dev", "", false},
	} {
		if got := (identity.Identity{Groups: tt.groups}).HasGroup(tt.group); got != tt.want {
			t.Errorf("%q in %q: got %t, want %t", tt.group, tt.groups, got, tt.want)
		}
	}
}
