package process

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/keyring"
)

// canaries are secrets that must not appear in any output, by their names.
type canaries map[string]string

// heard fails the test if the text contains a canary.
func (c canaries) heard(t testing.TB, where, text string) {
	t.Helper()
	for what, secret := range c {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			t.Errorf("%s holds %s", where, what)
		}
	}
}

// Attack secrets/canaries: secrets (password, cookie, key, link code) pass through every
// flow with the log at debug. They are in no log, page, argument list or database.
func TestCanaries(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			sing(t, format)
		})
	}
}

// singer is a browser that goes through a server's flows, and collects the canaries.
type singer struct {
	*browser
	canaries

	t *testing.T
	p *program
}

// sing runs a server that logs in the format, and goes through every flow.
func sing(t *testing.T, format string) {
	t.Helper()
	p := start(t, t.TempDir(), "LOG_LEVEL=debug", "LOG_FORMAT="+format)
	s := &singer{newBrowser(p), canaries{}, t, p}
	for i := range 6 {
		s.canaries[fmt.Sprintf("password %d", i)] = fmt.Sprintf("canary no %d in a jar", i)
	}
	first := p.firstLink()
	s.keys()
	s.joins(first)
	s.mistypes()
	s.rotatesKeys()
	s.opensLinks()
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	s.heard(t, "stdout", p.stdout.String())
	s.canaries["the first owner's code"] = strings.TrimPrefix(first, "/join/") // only stdout shows it
	s.heard(t, "the log", p.stderr.String())
	s.heard(t, "the argument list", string(cmdline))
	for _, file := range []string{"glassjar.db", "glassjar.db-wal"} {
		if text, err := os.ReadFile(filepath.Join(p.folder, file)); err == nil {
			s.heard(t, file, string(text))
		}
	}
	if !strings.Contains(p.stderr.String(), "request read") || !strings.Contains(p.stderr.String(), "session_idle") || len(s.canaries) < 15 {
		t.Errorf("%d canaries ran, and the log was not at its most talkative:\n%s", len(s.canaries), p.stderr)
	}
}

// pw returns the i-th password.
func (s *singer) pw(i int) string { return s.canaries[fmt.Sprintf("password %d", i)] }

// do sends the form, or gets the page, checks the response for canaries, and stores the
// cookies.
func (s *singer) do(path string, form url.Values, status int) {
	s.t.Helper()
	a := s.must(s.t, path, form, status)
	s.heard(s.t, "a page", a.body+a.header.Get("Location"))
	for name, value := range s.cookies {
		s.canaries[name+"="+value[len(value)-9:]] = value
	}
}

// keys adds the session keys to the canaries.
func (s *singer) keys() {
	s.t.Helper()
	ring, err := keyring.Read(filepath.Join(s.p.folder, ".env"))
	if err != nil {
		s.t.Fatal(err)
	}
	for key := range strings.SplitSeq(ring.Text(), ",") {
		s.canaries["key "+key[:3]] = key
	}
}

// joins creates the first owner, who changes the password and signs out.
func (s *singer) joins(first string) {
	s.t.Helper()
	s.post(s.t, first, url.Values{"username": {"ada"}, "password": {"canary"}}, http.StatusUnprocessableEntity)
	s.do(first+"/more", nil, http.StatusNotFound)
	s.do(first, url.Values{"username": {"ada", "ada"}, "password": {s.pw(0)}}, http.StatusBadRequest)
	s.do(first, url.Values{"username": {"ada"}, "password": {s.pw(0)}}, http.StatusSeeOther)
	s.do("/account/password", url.Values{"current": {s.pw(1)}, "password": {s.pw(2)}}, http.StatusUnprocessableEntity)
	s.do("/account/password", url.Values{"current": {s.pw(0)}, "password": {s.pw(2)}}, http.StatusSeeOther)
	s.do("/account", nil, http.StatusOK)
	s.do("/logout", url.Values{}, http.StatusSeeOther)
}

// mistypes types wrong secrets, and secrets into the wrong fields, and then signs in.
func (s *singer) mistypes() {
	s.t.Helper()
	s.do("/auth", signInForm("ada", s.pw(3)), http.StatusUnprocessableEntity)
	s.do("/auth", signInForm("nobody", s.pw(3)), http.StatusUnprocessableEntity)
	// A form shows the typed name again, so these responses are not checked.
	for what, typed := range map[string]string{"a password": s.pw(4), "a name that nobody has": "canary-that-is-no-account"} {
		s.canaries[what+" in the wrong field"] = typed
		s.post(s.t, "/auth", signInForm(typed, s.pw(3)), http.StatusUnprocessableEntity)
		s.post(s.t, "/auth", url.Values{"username": {"ada"}, "password": {s.pw(3)}, "remember": {typed}, "next": {typed}}, http.StatusUnprocessableEntity)
	}
	s.do("/?password="+url.QueryEscape(s.pw(3))+"&key="+url.QueryEscape(s.pw(4)), nil, http.StatusOK)
	s.do("/auth", url.Values{"password": {s.pw(2), s.pw(2)}, "pass": {s.pw(2)}}, http.StatusBadRequest)
	s.do("/nowhere/"+url.PathEscape(s.pw(3)), nil, http.StatusNotFound)
	s.do("/auth", signInForm("ada", s.pw(2)), http.StatusSeeOther)
}

// rotatesKeys adds a new session key, and waits until the cookie is signed with it.
func (s *singer) rotatesKeys() {
	s.t.Helper()
	s.p.must("", "keys", "rotate")
	s.keys()
	s.p.within(soon, "the new key is taken up", func() bool {
		before := s.cookies["glassjar"]
		s.do("/account", nil, http.StatusOK)
		return s.cookies["glassjar"] != before
	})
}

// opensLinks uses a link of each kind, created by commands.
func (s *singer) opensLinks() {
	s.t.Helper()
	s.p.must(s.pw(4)+"\n", "user", "add", "bob", "--password-stdin")
	for _, args := range [][]string{{"link", "reset", "bob"}, {"link", "join"}} {
		path := strings.TrimPrefix(strings.TrimSpace(s.p.must("", args...)), "http://jar.example")
		s.get(s.t, path, http.StatusOK) // not checked: the page has its own code in the form's action
		s.post(s.t, path, url.Values{"username": {"carol"}, "password": {s.pw(5)}}, http.StatusSeeOther)
		s.canaries["the code of "+path[:6]] = path[strings.LastIndexByte(path, '/')+1:]
		s.do(path, nil, http.StatusGone)
	}
}
