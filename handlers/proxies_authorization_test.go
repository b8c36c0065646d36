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

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// newAppPassword returns the secret of a new app password of ada's.
func (c check) newAppPassword() string {
	c.t.Helper()
	secret, err := c.accounts.NewAppPassword(c.t.Context(), c.ada, good, account.AppPassword{Name: "sync"}, audit.Command())
	if err != nil {
		c.t.Fatal(err)
	}
	return secret
}

func (c check) passesAppPasswords() {
	secret := c.newAppPassword()
	stranger, b := c.at(c.t, c.addr), c.in(c.t)
	for _, authorization := range []string{"Bearer " + secret, basic("ada", secret)} {
		for _, from := range []*browser{stranger, b} {
			saw := from.get("/", "Authorization", authorization).want(http.StatusOK).heard()
			if got := saw.Header["Authorization"]; got != nil || saw.Header.Get("Remote-User") != "ada" {
				c.t.Errorf("the app saw %q of %q", got, saw.Header.Get("Remote-User"))
			}
		}
	}
	c.shut(c.t, func() {
		for _, wrong := range []string{"Bearer gj_WRONG", "Digest " + secret, basic("eve", secret), basic(secret, ""), "Bearer x, Bearer " + secret} {
			c.exec(c.t, `DELETE FROM throttle`)
			b.get("/", "Authorization", wrong, "Sec-Fetch-Mode", "navigate").want(http.StatusUnauthorized, "").header("WWW-Authenticate", "")
			stranger.get("/", "Authorization", wrong).want(http.StatusUnauthorized, "").header("WWW-Authenticate", basicChallenge)
		}
		twice := b.request(http.MethodGet, "/", "")
		twice.Header["Authorization"] = []string{"Bearer x", "Bearer " + secret}
		if got := b.do(twice); got.StatusCode != http.StatusUnauthorized && got.StatusCode != http.StatusBadRequest {
			c.t.Errorf("with two headers: got %s", got.Status)
		}
	})
}

func (c check) leavesAppsTheirAuthorization() {
	b, stranger := c.in(c.t), c.at(c.t, c.addr)
	for _, authorization := range []string{
		"Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "Bearer " + strings.Repeat("eyJhbGciOiJF.", 500), basic("eve", "hunter2"),
		`Digest username="ada", realm="x y", nonce="a=", uri="/?a,b"`, "Negotiate YIIJvwYGKwYBBQUCoIIJ{http.request.host}$host%[src]\\1",
	} {
		saw := b.get("/", "Authorization", authorization).want(http.StatusOK).heard()
		if got := saw.Header["Authorization"]; len(got) != 1 || got[0] != authorization || saw.Header.Get("Remote-User") != "ada" {
			c.t.Errorf("of %s\nthe app saw %q of %q", authorization, got, saw.Header.Get("Remote-User"))
		}
		c.shut(c.t, func() { stranger.get("/", "Authorization", authorization).want(http.StatusUnauthorized) })
	}
	if got := b.get("/").want(http.StatusOK).heard().Header["Authorization"]; got != nil {
		c.t.Errorf("without one, the app saw %q", got)
	}
}

// passesGit clones from git's own server behind the proxy, and sends to it, as
// programs do that send no password before they are asked.
func (c check) passesGit() {
	server := httptest.NewServer(gitServer(c.t))
	c.t.Cleanup(server.Close)
	site := c.site(c.t, "localhost") // which needs no name server
	site.Apps[0].Address = server.Listener.Addr().String()
	_, port, err := net.SplitHostPort(c.proxy.start(c.t, site))
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

// gitServer returns git's own server, with an empty repository at /code.git that
// whoever gets there may read and write.
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

// runGit runs git with no settings but its own, and nobody to ask.
func runGit(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}
	return cmd.CombinedOutput()
}
