package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack factors/pending: a pending sign-in is not a session: every route and the gate
// treat whoever has one as a stranger.
func TestAPendingSignInIsNoSession(t *testing.T) {
	s := webtest.New(t, webtest.WithGate, webtest.WithSignUp)
	s.Write(t, "index.html", "<!doctype html><title>Notes</title>")
	s.Write(t, "notes.txt", "notes")
	s.Write(t, "folder/index.html", "<!doctype html>")
	for _, name := range []string{"bob", "una", "kim", "ken"} {
		s.Add(t, name, account.Member)
	}
	s.Add(t, "ada", account.Owner)
	s.AddApp(t, "ada")
	if err := s.Sessions.Poll(t.Context()); err != nil { // needed because the clock was moved
		t.Fatal(err)
	}
	holder := s.Browser(t)
	holder.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	pending := holder.Cookies()
	if !strings.HasPrefix(pending, "glassjar-pending=") || strings.Contains(pending, ";") {
		t.Fatalf("the browser holds %q", pending)
	}
	for _, row := range sweep {
		if row.Pattern == "/auth/code" {
			continue
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			sweepOne(t, s, row, method, webtest.Anonymous, holder.Clone())
		}
	}
	_, code, _ := strings.Cut(pending, "=")
	for _, cookie := range []string{pending, "glassjar=" + code, "glassjar-gate=" + code, "glassjar-device=" + code} {
		b := s.Browser(t)
		b.Get("/account", "Cookie", cookie).Want(http.StatusSeeOther, "/?next=%2Faccount")
		for _, path := range []string{"/gate/check", "/gate/forward"} {
			for _, about := range []string{"http://wiki.example/", s.Public() + "/"} {
				got := b.Get(path, webtest.Asked(about, "Cookie", cookie)...)
				if got.StatusCode == http.StatusOK || got.Header.Get("Remote-User") != "" {
					t.Errorf("%s of %s lets %q pass", path, about, cookie)
				}
			}
		}
	}
	if got := holder.Get("/auth/code"); got.StatusCode != http.StatusOK {
		t.Errorf("after all that, its own page is %s", got.Status)
	}
}
