package account_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/session"
)

// found returns the session of the cookie.
func (h *fixture) found(t *testing.T, c *http.Cookie) session.Session {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.AddCookie(c)
	found, err := h.sessions.Find(r)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// groups returns the groups of the cookie's session.
func (h *fixture) groups(t *testing.T, c *http.Cookie) string {
	t.Helper()
	found := h.found(t, c)
	if of := account.FromSession(found); of.Groups != found.Groups {
		t.Errorf("the account has %q, its session %q", of.Groups, found.Groups)
	}
	return found.Groups
}

func TestSetGroups(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	ann, bob := h.signedIn(t, "ann", good), h.signedIn(t, "bob", good)
	many := make([]string, 32)
	for i := range many {
		many[i] = "g" + strconv.Itoa(i+100)
	}
	for _, tt := range []struct {
		groups []string
		want   string
	}{
		{[]string{"ops", "dev", "ops"}, "dev,ops"},
		{[]string{"0-a_b.c"}, "0-a_b.c"},
		{many, strings.Join(many, ",")},
		{nil, ""},
	} {
		if err := h.SetGroups(t.Context(), "Ann", tt.groups, keeper); err != nil {
			t.Fatal(err)
		}
		if got := h.groups(t, ann); got != tt.want {
			t.Errorf("after setting %q: got %q, want %q", tt.groups, got, tt.want)
		}
		found, err := h.Find(t.Context(), "ann")
		if err != nil || found.Groups != tt.want {
			t.Errorf("after setting %q: the account has %q, %v", tt.groups, found.Groups, err)
		}
	}
	if got := h.groups(t, bob); got != "" {
		t.Errorf("bob got %q", got)
	}
	if got := h.texts(t, `SELECT actor || ' ' || username || ' ' || detail FROM audit WHERE event = 'account.groups' ORDER BY at`); len(got) != 4 || got[0] != "keeper ann dev,ops" {
		t.Errorf("the audit log says %q", got)
	}
}

func TestSetGroupsRefuses(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	many := make([]string, 33)
	for i := range many {
		many[i] = "g" + strconv.Itoa(i)
	}
	before := h.dump(t)
	for name, groups := range map[string][]string{
		"capitals": {"Dev"}, "a comma": {"dev,ops"}, "a space": {"dev ops"}, "nothing": {"dev", ""}, "a dash first": {"-dev"},
		"a line": {"dev\nops"}, "33 letters": {strings.Repeat("a", 33)}, "not ASCII": {"dév"}, "33 groups": many,
	} {
		if err := h.SetGroups(t.Context(), "ann", groups, keeper); !errors.Is(err, account.ErrGroup) {
			t.Errorf("%s: got %v, want %v", name, err, account.ErrGroup)
		}
	}
	if err := h.SetGroups(t.Context(), "eve", nil, keeper); !errors.Is(err, account.ErrUnknown) {
		t.Errorf("an unknown name: got %v", err)
	}
	if after := h.dump(t); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Error("the database changed")
	}
}
