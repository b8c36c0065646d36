package process

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A container engine builds the image from .ci/Containerfile, and Docker's compose runs it
// behind Caddy with the printed compose file: a person can sign in over Caddy's TLS, and the
// account and the session survive a restart and new containers. The restart is a stop and a
// start: compose restart restarts both at once, which podman's name server (aardvark-dns
// 1.4) does not always survive.
func TestContainer(t *testing.T) {
	t.Parallel()
	c := newComposer(t)
	c.image()
	c.caddy()
	printed := printed(t, "container", "PUBLIC_URL=https://jar.localhost", "SITE_NAME="+oddName) // for such a name, Caddy uses its own certificate authority
	if err := os.WriteFile(filepath.Join(c.folder, "compose.yml"), []byte(printed), 0o600); err != nil {
		t.Fatal(err)
	}
	c.up()
	c.isHardened()
	ada := c.client()
	c.eventually("Caddy shows the sign-in page", func() bool { return c.status(ada, "/auth") == http.StatusOK })
	c.signsUp(ada)
	if said := c.compose("exec", "glassjar", "/glassjar", "user", "list"); !strings.Contains(said, "ada") {
		t.Errorf("user list says %q", said)
	}
	if said := c.compose("logs", "glassjar"); !strings.Contains(said, `route="GET /account" status=200`) || !strings.Contains(said, "ip=172.31.255.1") {
		t.Errorf("the log has not the address that Caddy saw:\n%s", said)
	}
	c.compose("stop")
	c.up()
	c.eventually("the session goes on after a restart", func() bool { return c.status(ada, "/account") == http.StatusOK })
	c.compose("down")
	c.up()
	c.eventually("the session goes on in new containers", func() bool { return c.status(ada, "/account") == http.StatusOK })
	c.compose("stop")
	if got := c.inspect("{{.State.ExitCode}}"); got != "0" {
		t.Errorf("glassjar ended with exit code %s:\n%s", got, c.compose("logs", "glassjar"))
	}
	data := filepath.Join(c.dir, "volumes/site_data/_data")
	files, err := filepath.Glob(data + "/*.db*")
	if want := []string{data + "/glassjar.db", data + "/glassjar.db.lock"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("the volume holds %v, error %v", files, err)
	}
}

// isHardened checks that what the compose file forbids is forbidden.
func (c composer) isHardened() {
	c.t.Helper()
	pid := c.inspect("{{.State.Pid}}")
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, want := range []string{"\nUid:\t65532\t", "\nNoNewPrivs:\t1\n", "\nCapBnd:\t0000000000000000\n"} {
		if !strings.Contains(string(text), want) {
			c.t.Errorf("the kernel does not say %q:\n%s", want, text)
		}
	}
	mounts, err := os.ReadFile("/proc/" + pid + "/mounts")
	if root, _, _ := strings.Cut(string(mounts), "\n"); err != nil || !strings.Contains(root, " / ") || !strings.Contains(root, " ro,") {
		c.t.Errorf("its root can be written: %s, error %v", root, err)
	}
	env, err := os.ReadFile("/proc/" + pid + "/environ")
	if err != nil || !strings.Contains("\x00"+string(env), "\x00SITE_NAME="+oddName+"\x00") {
		c.t.Errorf("the setting arrives as %q, error %v", env, err)
	}
}

// status requests the page and returns the response's status, or 0 if there is none.
func (c composer) status(browser *http.Client, path string) int {
	res, err := browser.Get("https://jar.localhost" + path)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// signsUp creates the owner's account with the link in the log.
func (c composer) signsUp(browser *http.Client) {
	c.t.Helper()
	_, link, _ := strings.Cut(c.compose("logs", "glassjar"), "within 24 hours at ")
	link, _, _ = strings.Cut(link, "\n")
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, link, strings.NewReader(signInForm("ada", good).Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Origin", "https://jar.localhost")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := browser.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := c.status(browser, "/account"); got != http.StatusOK {
		c.t.Fatalf("after %s, the account's page is answered with %d:\n%s", link, got, c.compose("logs", "glassjar"))
	}
}
