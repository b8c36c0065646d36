package process

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
	"glassjar/utl/proxytest"
	"glassjar/utl/tooltest"
)

// balancer runs HAProxy with the configuration of utl/db/README.md, except for addresses
// and TLS.
func balancer(t *testing.T, at string, servers ...string) {
	t.Helper()
	program := tooltest.Need(t, "haproxy")
	readme, err := os.ReadFile("../db/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```\n# /etc/haproxy/haproxy.cfg\n")
	text, _, found := strings.Cut(text, "```")
	if !found {
		t.Fatal("README has no configuration of HAProxy")
	}
	text = strings.NewReplacer(":443 ssl crt /etc/haproxy/certificates/", at, "10.0.0.11:8080", servers[0], "10.0.0.12:8080", servers[1], "Host jar.example", "Host "+at).Replace(text)
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, program, "-db", "-f", file)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
}

// Two machines behind HAProxy: each may stop at any time without anybody being signed
// out, and a session that ends on one ends on the other.
func TestSeveralMachines(t *testing.T) {
	t.Parallel()
	ring, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	database := dbtest.Need(t).New(t)
	front, addrs, folders := proxytest.Free(t), []string{proxytest.Free(t), proxytest.Free(t)}, []string{t.TempDir(), t.TempDir()}
	machine := func(i int) *program {
		return start(t, folders[i], "ADDR="+addrs[i], "PUBLIC_URL=http://"+front, "DATABASE_URL="+database, "SESSION_KEYS="+ring.Text())
	}
	first := machine(0)
	balancer(t, front, addrs...)
	b := newBrowser(first) // requests go to PUBLIC_URL's port, which is HAProxy's
	first.eventually("HAProxy knows of the machine", func() bool {
		a, err := b.try("/healthz", nil)
		return err == nil && a.status == http.StatusOK
	})
	b.post(t, first.firstLink(), url.Values{"username": {"ada"}, "password": {good}, "repeat": {good}}, http.StatusSeeOther)
	second := machine(1)
	out := signedIn(t, first, "ada")
	saved := out.copied()
	out.post(t, "/logout", url.Values{}, http.StatusSeeOther)
	for _, step := range []struct {
		goes *program
		back func()
	}{{first, func() { first = machine(0) }}, {second, func() {}}} {
		step.goes.stop()
		step.goes.within(5*time.Second, "the other machine answers", func() bool { // HAProxy checks a server twice before it uses it
			status := b.status(t, "/account")
			if status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Fatalf("a live session got status %d, want 200, or 503 from HAProxy", status)
			}
			return status == http.StatusOK
		})
		saved.get(t, "/account", http.StatusSeeOther)
		step.back()
	}
}
