package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/account"
)

// many creates 5,000 people with rare and frequent roles, groups, states and words.
func (h *fixture) many(t *testing.T) (all []account.Account) {
	t.Helper()
	const numbers = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000) `
	h.exec(t, `INSERT INTO accounts (id, username, name, role, password, created_at, disabled_at, waiting_at, group_names) `+numbers+`
		SELECT 'id-' || n, 'p' || (10000 + n), 'Ann' || (n % 100) || ' Bee' || (n % 7), CASE WHEN n % 2 = 0 THEN 'owner' ELSE 'member' END, '', 1,
			CASE WHEN n % 5 < 2 THEN 1 ELSE 0 END, CASE WHEN n % 5 = 1 AND n > 4000 THEN 1 ELSE 0 END, CASE WHEN n % 3 = 0 THEN 'office' ELSE '' END FROM numbers`)
	for _, word := range []string{`'p' || (10000 + n)`, `'ann' || (n % 100)`, `'bee' || (n % 7)`} {
		h.exec(t, `INSERT INTO account_words (word, username) `+numbers+`SELECT `+word+`, 'p' || (10000 + n) FROM numbers`)
	}
	h.exec(t, `INSERT INTO account_groups (group_name, username) `+numbers+`SELECT 'office', 'p' || (10000 + n) FROM numbers WHERE n % 3 = 0`)
	for after := ""; ; {
		page, err := h.List(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all, after = append(all, page...), page[len(page)-1].Username
	}
}

// has reports whether the account matches the query, computed independently of People.
func has(q account.Query, a account.Account) bool {
	words := append(strings.Fields(strings.ToLower(a.Name)), a.Username)
	return (q.Role == "" || q.Role == a.Role) && (q.State == "" || q.State == a.State()) && (q.Group == "" || slices.Contains(a.GroupList(), q.Group)) &&
		!slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(q.Prefix), func(c rune) bool { return strings.ContainsRune(" ,-", c) }), func(typed string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, typed) })
		})
}

// Whichever condition of a query the search starts from, its pages have exactly the people
// who match, in order, each once.
func TestAllPeopleAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("every combination of conditions is searched for without -short")
	}
	h := open(t)
	all := h.many(t)
	for _, prefix := range []string{"", "p", "p14", "p14999", "ann", "ann7", "ann77", "bee3", "none", "ann7 bee3", "Ann-Bee", "p14, ann", "ann none"} {
		for _, role := range []string{"", account.Owner} {
			for _, group := range []string{"", "office", "none"} {
				for _, state := range []string{"", account.Active, account.Disabled, account.Waiting} {
					q := account.Query{Prefix: prefix, Role: role, Group: group, State: state}
					var want []string
					for _, a := range all {
						if has(q, a) {
							want = append(want, a.Username)
						}
					}
					h.wantPages(t, q, want)
				}
			}
		}
	}
}

// wantPages fails the test unless the query's first three pages and its last one are
// those of want.
func (h *fixture) wantPages(t *testing.T, q account.Query, want []string) {
	t.Helper()
	name := fmt.Sprintf("%+v", q)
	for i := 0; i <= len(want); i += account.PeoplePage {
		if i >= 3*account.PeoplePage {
			i = max(i, len(want)-account.PeoplePage)
		}
		if i > 0 {
			q.After = want[i-1]
		}
		got, err := h.People(t.Context(), q)
		page := want[i:min(i+account.PeoplePage+1, len(want))]
		if err != nil || !slices.Equal(usernamesOf(got), page) {
			t.Fatalf("%s after %q: got %q, %v; want %q", name, q.After, usernamesOf(got), err, page)
		}
	}
}
