package webtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"glassjar/utl/audit"
)

// allow returns the Allow header of a 405 at the path, or "" where every
// method gets another answer.
func (row Swept) allow() string {
	var all []string
	if row.Get != (By{}) {
		all = append(all, http.MethodGet, http.MethodHead)
	}
	if row.Post != (By{}) {
		all = append(all, http.MethodPost)
	}
	return strings.Join(all, ", ")
}

// Person returns a browser in which username, if any, is signed in without a
// sign-in: the session is started in the store.
func (s *Site) Person(tb testing.TB, username string) *Browser {
	tb.Helper()
	if username == "" {
		return s.Browser(tb)
	}
	found, err := s.Accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	b, w := s.Browser(tb), httptest.NewRecorder()
	if _, err := s.Sessions.Start(w, b.Request(http.MethodPost, "/", ""), found.Verified(), false, audit.Actor{}); err != nil {
		tb.Fatal(err)
	}
	b.Jar.SetCookies(Parse(tb, s.Public()), w.Result().Cookies())
	return b
}
