package webtest

import (
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// AppPassword makes an app password of username's, whose password is good, and
// returns its secret.
func (s *Site) AppPassword(tb testing.TB, username string, wanted account.AppPassword) string {
	tb.Helper()
	a, err := s.Accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	secret, err := s.Accounts.NewAppPassword(tb.Context(), a, Good, wanted, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return secret
}

// Passes asks the gate about the URL with the Authorization header.
func (w *World) Passes(tb testing.TB, address, authorization string) *Answer {
	tb.Helper()
	return w.Ask(tb, "/gate/check", Asked(address, "Authorization", authorization))
}
