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

// canaries are secrets, by what they are; none of them may sing.
type canaries map[string]string

// heard reports where the text holds one.
func (c canaries) heard(t testing.TB, where, text string) {
	t.Helper()
	for what, secret := range c {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			t.Errorf("%s holds %s", where, what)
		}
	}
}

// Attack secrets/canaries: canaries (password, cookie, key, link code) run through every flow
// with the log at its most talkative. They are in no log, page, argument list or
// database.
func TestCanaries(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			sing(t, format)
		})
	}
}

func sing(t *testing.T, format string) {
	t.Helper()
	p := start(t, t.TempDir(), "LOG_LEVEL=debug", "LOG_FORMAT="+format)
	c := canaries{}
	for i := range 6 {
		c[fmt.Sprintf("password %d", i)] = fmt.Sprintf("canary no %d in a jar", i)
	}
	pw := func(i int) string { return c[fmt.Sprintf("password %d", i)] }
	b := newBrowser(p)
	body := func(a answer) { c.heard(t, "a page", a.body+a.header.Get("Location")) }
	do := func(path string, form url.Values, status int) {
		t.Helper()
		body(b.must(t, path, form, status))
		for name, value := range b.cookies {
			c[name+"="+value[len(value)-9:]] = value
		}
	}
	keys := func() {
		t.Helper()
		ring, err := keyring.Read(filepath.Join(p.folder, ".env"))
		if err != nil {
			t.Fatal(err)
		}
		for key := range strings.SplitSeq(ring.Text(), ",") {
			c["key "+key[:3]] = key
		}
	}
	link := func(args ...string) (path string) {
		t.Helper()
		path = strings.TrimPrefix(strings.TrimSpace(p.must("", args...)), "http://jar.example")
		return path
	}

	keys()
	first := p.firstLink()
	b.post(t, first, url.Values{"username": {"ada"}, "password": {"canary"}}, http.StatusUnprocessableEntity)
	do(first+"/more", nil, http.StatusNotFound)
	do(first, url.Values{"username": {"ada", "ada"}, "password": {pw(0)}}, http.StatusBadRequest)
	do(first, url.Values{"username": {"ada"}, "password": {pw(0)}}, http.StatusSeeOther)
	do("/account/password", url.Values{"current": {pw(1)}, "password": {pw(2)}}, http.StatusUnprocessableEntity)
	do("/account/password", url.Values{"current": {pw(0)}, "password": {pw(2)}}, http.StatusSeeOther)
	do("/account", nil, http.StatusOK)
	do("/logout", url.Values{}, http.StatusSeeOther)
	do("/auth", signInForm("ada", pw(3)), http.StatusUnprocessableEntity)
	do("/auth", signInForm("nobody", pw(3)), http.StatusUnprocessableEntity)
	// A form gives a typed name back, so these answers are not looked at.
	for i, what := range []string{"a password", "a name that nobody has"} {
		typed := []string{pw(4), "canary-that-is-no-account"}[i]
		c[what+" in the wrong field"] = typed
		b.post(t, "/auth", signInForm(typed, pw(3)), http.StatusUnprocessableEntity)
		b.post(t, "/auth", url.Values{"username": {"ada"}, "password": {pw(3)}, "remember": {typed}, "next": {typed}}, http.StatusUnprocessableEntity)
	}
	do("/?password="+url.QueryEscape(pw(3))+"&key="+url.QueryEscape(pw(4)), nil, http.StatusOK)
	do("/auth", url.Values{"password": {pw(2), pw(2)}, "pass": {pw(2)}}, http.StatusBadRequest)
	do("/nowhere/"+url.PathEscape(pw(3)), nil, http.StatusNotFound)
	do("/auth", signInForm("ada", pw(2)), http.StatusSeeOther)
	p.must("", "keys", "rotate")
	keys()
	p.within(soon, "the new key is taken up", func() bool {
		before := b.cookies["glassjar"]
		do("/account", nil, http.StatusOK)
		return b.cookies["glassjar"] != before
	})
	p.must(pw(4)+"\n", "user", "add", "bob", "--password-stdin")
	for _, path := range []string{link("link", "reset", "bob"), link("link", "join")} {
		code := path[strings.LastIndexByte(path, '/')+1:]
		b.get(t, path, http.StatusOK) // the page has its own code in the form's action
		b.post(t, path, url.Values{"username": {"carol"}, "password": {pw(5)}}, http.StatusSeeOther)
		c["the code of "+path[:6]] = code
		do(path, nil, http.StatusGone)
	}

	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	c.heard(t, "stdout", p.stdout.String())
	c["the first owner's code"] = strings.TrimPrefix(first, "/join/")
	c.heard(t, "the log", p.stderr.String())
	c.heard(t, "the argument list", string(cmdline))
	for _, file := range []string{"glassjar.db", "glassjar.db-wal"} {
		if text, err := os.ReadFile(filepath.Join(p.folder, file)); err == nil {
			c.heard(t, file, string(text))
		}
	}
	if !strings.Contains(p.stderr.String(), "request read") || !strings.Contains(p.stderr.String(), "session_idle") || len(c) < 15 {
		t.Errorf("%d canaries ran, and the log was not at its most talkative:\n%s", len(c), p.stderr)
	}
}
