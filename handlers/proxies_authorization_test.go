package handlers_test

import (
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// newAppPassword returns the secret of a new app password of ada's.
func (c check) newAppPassword() string {
	c.t.Helper()
	secret, err := c.Accounts.NewAppPassword(c.t.Context(), c.ada, account.AppPassword{Name: "sync"}, audit.Command())
	if err != nil {
		c.t.Fatal(err)
	}
	return secret
}

func (c check) passesAppPasswords() {
	secret := c.newAppPassword()
	stranger, b := c.at(c.t, c.addr), c.in(c.t)
	for _, authorization := range []string{"Bearer " + secret, webtest.Basic("ada", secret)} {
		for _, from := range []*webtest.Browser{stranger, b} {
			saw := hears(from.Get("/", "Authorization", authorization).Want(http.StatusOK))
			if got := saw.Header["Authorization"]; got != nil || saw.Header.Get("Remote-User") != "ada" {
				c.t.Errorf("the app saw %q of %q", got, saw.Header.Get("Remote-User"))
			}
		}
	}
	c.shut(c.t, func() {
		for _, wrong := range []string{"Bearer gj_WRONG", "Digest " + secret, webtest.Basic("eve", secret), webtest.Basic(secret, ""), "Bearer x, Bearer " + secret} {
			c.Exec(c.t, `DELETE FROM throttle`)
			b.Get("/", "Authorization", wrong, "Sec-Fetch-Mode", "navigate").Want(http.StatusUnauthorized, "").WantHeader("WWW-Authenticate", "")
			stranger.Get("/", "Authorization", wrong).Want(http.StatusUnauthorized, "").WantHeader("WWW-Authenticate", webtest.BasicChallenge)
		}
		twice := b.Request(http.MethodGet, "/", "")
		twice.Header["Authorization"] = []string{"Bearer x", "Bearer " + secret}
		if got := b.Exchange(twice); got.StatusCode != http.StatusUnauthorized && got.StatusCode != http.StatusBadRequest {
			c.t.Errorf("with two headers: got %s", got.Status)
		}
	})
}

func (c check) leavesAppsTheirAuthorization() {
	b, stranger := c.in(c.t), c.at(c.t, c.addr)
	for _, authorization := range []string{
		"Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "Bearer " + strings.Repeat("eyJhbGciOiJF.", 500), webtest.Basic("eve", "hunter2"),
		`Digest username="ada", realm="x y", nonce="a=", uri="/?a,b"`, "Negotiate YIIJvwYGKwYBBQUCoIIJ{http.request.host}$host%[src]\\1",
	} {
		saw := hears(b.Get("/", "Authorization", authorization).Want(http.StatusOK))
		if got := saw.Header["Authorization"]; len(got) != 1 || got[0] != authorization || saw.Header.Get("Remote-User") != "ada" {
			c.t.Errorf("of %s\nthe app saw %q of %q", authorization, got, saw.Header.Get("Remote-User"))
		}
		c.shut(c.t, func() { stranger.Get("/", "Authorization", authorization).Want(http.StatusUnauthorized) })
	}
	if got := hears(b.Get("/").Want(http.StatusOK)).Header["Authorization"]; got != nil {
		c.t.Errorf("without one, the app saw %q", got)
	}
}

// passesGit clones from and pushes to git's own server behind the proxy. Git sends a
// password only after a challenge.
func (c check) passesGit() {
	server := httptest.NewServer(gitServer(c.t))
	c.t.Cleanup(server.Close)
	site := c.site(c.t, "localhost") // resolved without DNS
	site.Apps[0].Address = server.Listener.Addr().String()
	_, port, err := net.SplitHostPort(c.proxy.Start(c.t, site))
	if err != nil {
		c.t.Fatal(err)
	}
	code, dir := "localhost:"+port+"/code.git", c.t.TempDir()
	git := func(args ...string) ([]byte, error) { return runGit(c.t, append([]string{"-C", dir}, args...)...) }
	if said, err := git("clone", "http://ada:gj_WRONG@"+code); err == nil || !strings.Contains(string(said), "Authentication failed") {
		c.t.Errorf("with a wrong app password: %v, %s", err, said)
	}
	if said, err := git("clone", "http://ada:"+c.newAppPassword()+"@"+code); err != nil {
		c.t.Fatalf("clone: %v, %s", err, said)
	}
	dir += "/code"
	if err := os.WriteFile(dir+"/file", []byte(strings.Repeat("0123456789\n", 1000)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	for _, args := range [][]string{
		{"add", "file"}, {"-c", "user.name=ada", "-c", "user.email=ada@site.example", "commit", "--quiet", "--message", "file"}, {"push", "origin", "HEAD:main"},
	} {
		if said, err := git(args...); err != nil {
			c.t.Fatalf("%s: %v, %s", args, err, said)
		}
	}
}

// gitServer returns git's own server with an empty repository at /code.git, which
// everybody who reaches it may read and write.
func gitServer(t *testing.T) http.Handler {
	t.Helper()
	root := t.TempDir()
	for _, args := range [][]string{{"init", "--quiet", "--bare", root + "/code.git"}, {"-C", root + "/code.git", "config", "http.receivepack", "true"}} {
		if said, err := runGit(t, args...); err != nil {
			t.Fatalf("%s: %v, %s", args, err, said)
		}
	}
	where, err := runGit(t, "--exec-path")
	if err != nil {
		t.Fatal(err)
	}
	return &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
	}
}

// runGit runs git without settings of the machine, and without prompts.
func runGit(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}
	return cmd.CombinedOutput()
}
