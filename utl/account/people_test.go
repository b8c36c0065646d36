package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/account"
)

// usernamesOf returns the usernames of the people.
func usernamesOf(all []account.Person) (got []string) {
	for _, p := range all {
		got = append(got, p.Username)
	}
	return got
}

func TestPeopleAreFound(t *testing.T) {
	h := open(t)
	for _, name := range []string{"ann", "bob", "bobby", "carol"} {
		h.add(t, name, account.Member)
	}
	h.add(t, "zoe", account.Owner)
	ctx := t.Context()
	err := errors.Join(
		h.SetName(ctx, "carol", "Anna-Maria Österreich-Bobrow", keeper),
		h.SetEmail(ctx, "zoe", "Bo.Derek@Site.example", false, keeper),
		h.SetGroups(ctx, "bob", []string{"dev", "ops"}, keeper), h.SetGroups(ctx, "zoe", []string{"dev"}, keeper),
		h.Disable(ctx, "bobby", keeper),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		q    account.Query
		want string
	}{
		{"everybody", account.Query{}, "ann bob bobby carol zoe"},
		{"after one", account.Query{After: "bob"}, "bobby carol zoe"},
		{"a username's beginning", account.Query{Prefix: "bob"}, "bob bobby carol"},
		{"in capitals, with a space", account.Query{Prefix: " BOBB "}, "bobby"},
		{"an email address's beginning", account.Query{Prefix: "bo.derek@"}, "zoe"},
		{"a later word of the name", account.Query{Prefix: "österr"}, "carol"},
		{"the middle of a word", account.Query{Prefix: "reich"}, ""},
		{"signs that a pattern would know", account.Query{Prefix: "%"}, ""},
		{"owners", account.Query{Role: account.Owner}, "zoe"},
		{"a group", account.Query{Group: "dev"}, "bob zoe"},
		{"a group after one", account.Query{Group: "dev", After: "bob"}, "zoe"},
		{"the beginning of a group", account.Query{Group: "de"}, ""},
		{"disabled ones", account.Query{State: account.Disabled}, "bobby"},
		{"active ones", account.Query{State: account.Active, Prefix: "bob"}, "bob carol"},
		{"all at once", account.Query{Prefix: "b", Role: account.Owner, Group: "dev", State: account.Active, After: "a"}, "zoe"},
	} {
		got, err := h.People(ctx, tt.q)
		if strings.Join(usernamesOf(got), " ") != tt.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", tt.name, usernamesOf(got), err, tt.want)
		}
	}
}

// Several words are looked for one by one, split as names are.
func TestPeopleAreFoundByTheirWholeName(t *testing.T) {
	h := open(t)
	for _, name := range []string{"ann", "carol", "anna-m"} {
		h.add(t, name, account.Member)
	}
	if err := h.SetName(t.Context(), "carol", "Anna-Maria Österreich O'Brien", keeper); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{
		"Anna-Maria Österreich": "carol", "o'brien, anna": "carol", "Anna-M": "anna-m carol", "anna ann": "anna-m carol",
		"anna bobby": "", "o'bob": "", "'": "", "o\u0308sterr": "carol", "ö o b a m and more": "carol", // four words are looked for
	} {
		got, err := h.People(t.Context(), account.Query{Prefix: typed})
		if strings.Join(usernamesOf(got), " ") != want || err != nil {
			t.Errorf("%q: got %q, %v; want %q", typed, usernamesOf(got), err, want)
		}
	}
}

// The search does not find people by values that were changed or deleted.
func TestPeopleAreNotFoundByWhatTheyWere(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	ctx := t.Context()
	err := errors.Join(
		h.SetName(ctx, "ann", "Anna", keeper), h.SetName(ctx, "ann", "", keeper),
		h.SetEmail(ctx, "ann", "old@site.example", true, keeper), h.SetEmail(ctx, "ann", "", true, keeper),
		h.SetGroups(ctx, "ann", []string{"dev"}, keeper), h.SetGroups(ctx, "ann", nil, keeper),
		h.SetGroups(ctx, "bob", []string{"ops"}, keeper), h.Delete(ctx, "bob", keeper),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []account.Query{{Prefix: "anna"}, {Prefix: "old"}, {Group: "dev"}, {Group: "ops"}, {Prefix: "bob"}} {
		if got, err := h.People(ctx, q); len(got) > 0 || err != nil {
			t.Errorf("%+v: got %q, %v", q, usernamesOf(got), err)
		}
	}
}

// A page has at most 50 people; a 51st says that more follow.
func TestPeopleComeInPages(t *testing.T) {
	h := open(t)
	var want, got []string
	for i := range 2*account.PeoplePage + 1 {
		want = append(want, h.add(t, fmt.Sprintf("p%03d", i), account.Member).Username)
	}
	for after := ""; ; {
		page, err := h.People(t.Context(), account.Query{After: after})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, usernamesOf(page[:min(len(page), account.PeoplePage)])...)
		if len(page) <= account.PeoplePage {
			break
		}
		after = page[account.PeoplePage-1].Username
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAPersonWasSeen(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	if p, err := h.Person(t.Context(), "Ann"); err != nil || !p.Seen.IsZero() {
		t.Errorf("before a sign-in: seen %v, %v", p.Seen, err)
	}
	before := h.clock.now()
	h.signedIn(t, "ann", good)
	p, err := h.Person(t.Context(), "ann")
	if err != nil || p.Seen.Before(before.Truncate(0)) {
		t.Errorf("after a sign-in: seen %v, %v; want after %v", p.Seen, err, before)
	}
	if _, err := h.Person(t.Context(), "bob"); !is(err, account.ErrUnknown) {
		t.Errorf("nobody: got %v", err)
	}
}
