package process

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"glassjar/utl/tooltest"
)

// composer is Docker's own compose in the folder of a compose file. podman serves the API of
// Docker's engine for it.
type composer struct {
	engine
	program, folder string
}

// newComposer makes podman listen for compose. The engine has a network of its own, where the
// ports that the compose file publishes are free.
func newComposer(t *testing.T) composer {
	t.Helper()
	for _, program := range []string{"caddy", "ip", "iptables"} {
		tooltest.Need(t, program)
	}
	found, _ := filepath.Glob("../../.tools/docker-compose@*") // the pattern is valid
	if len(found) == 0 {
		tooltest.Missing(t, "docker-compose")
	}
	program, err := filepath.Abs(found[0])
	c := composer{newEngine(t, "--net"), program, ""}
	c.folder = filepath.Join(c.dir, "site")
	c.settings = append(c.settings, "DOCKER_HOST=unix://"+c.dir+"/docker.sock")
	if err := errors.Join(err, os.Mkdir(c.folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	if backend, err := c.podman("info", "--format={{.Host.NetworkBackend}}"); err == nil && backend != "netavark\n" {
		tooltest.Missing(t, "netavark")
	}
	if said, err := c.output(c.command("ip", "link", "set", "lo", "up"), ""); err != nil {
		unlessRefused(t, "no network of one's own", err, said)
	}
	if said, err := c.output(c.grouped("true"), ""); err != nil {
		unlessRefused(t, "no control groups", err, said)
	}
	// Elsewhere than in a group of its own, this moves all of the machine's processes.
	command := c.grouped("podman", "system", "service", "--time=0", "unix://"+c.dir+"/docker.sock")
	service := exec.Command(command[0], command[1:]...)
	service.Env, service.Stderr = c.settings, t.Output()
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = c.podman("rm", "--all", "--force", "--time=0")
		_, _ = service.Process.Signal(syscall.SIGTERM), service.Wait()
		c.end()
	})
	return c
}

// caddy makes the image of Caddy that the compose file names, without a registry: from this
// machine's Caddy, configured as in its official image.
func (c composer) caddy() {
	c.t.Helper()
	const gather = `mkdir -p "$0" && cd "$0" && mkdir -p usr/bin etc/caddy config data srv && cp "$1" usr/bin/caddy
for library in $(ldd "$1" | grep -o '/[^ ]*'); do cp -L --parents "$library" .; done`
	caddy, _ := tooltest.Find("caddy")
	files := filepath.Join(c.dir, "caddy")
	file := c.write("Caddy", "FROM scratch\nCOPY . /\nENV PATH=/usr/bin XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data\nWORKDIR /srv\n"+
		`CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]`)
	if said, err := exec.Command("sh", "-ec", gather, files, caddy).CombinedOutput(); err != nil {
		c.t.Fatalf("%v: %s", err, said)
	}
	if said, err := c.podman("build", "--isolation=chroot", "--file="+file, "--tag=docker.io/library/caddy:2", files); err != nil {
		c.t.Fatalf("%v: %s", err, said)
	}
}

// try runs compose.
func (c composer) try(args ...string) (said string, err error) {
	return c.output(c.command(append([]string{"timeout", "60", "sh", "-c", `cd "$0" && exec "$@"`, c.folder, c.program}, args...)...), "")
}

// compose is try for a command that must succeed.
func (c composer) compose(args ...string) (said string) {
	c.t.Helper()
	said, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("compose %v: %v\n%s", args, err, said)
	}
	return said
}

// up runs compose up, which waits until glassjar is healthy. podman runs health checks with
// systemd's timers; because there may be none, up runs the health check itself.
func (c composer) up() {
	c.t.Helper()
	done := make(chan error)
	go func() {
		said, err := c.try("up", "-d")
		if err != nil {
			err = fmt.Errorf("compose up: %w\n%s", err, said)
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				c.t.Fatal(err)
			}
			return
		default:
			_, _ = c.podman("healthcheck", "run", "site-glassjar-1") // fails until the container exists
		}
	}
}

func (c composer) eventually(what string, is func() bool) {
	c.t.Helper()
	(&program{t: c.t, stderr: new(output)}).within(time.Minute, what, is)
}

// inspect returns what podman reports about glassjar's container.
func (c composer) inspect(format string) string {
	c.t.Helper()
	said, err := c.podman("inspect", "--format="+format, "site-glassjar-1")
	if err != nil {
		c.t.Fatalf("%v: %s", err, said)
	}
	return strings.TrimSpace(said)
}

// client returns a browser's client that trusts Caddy's certificate authority, resolves
// every name to this machine, and follows no redirects.
func (c composer) client() *http.Client {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	c.eventually("Caddy has made its authority", func() bool {
		authority, err := os.ReadFile(filepath.Join(c.dir, "volumes/site_caddy/_data/caddy/pki/authorities/local/root.crt"))
		return err == nil && trusted.AppendCertsFromPEM(authority)
	})
	return &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: wire.CheckRedirect, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted},
		DialContext: func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
			_, port, _ := strings.Cut(addr, ":")
			dialed := make(chan struct{})
			go func() {
				defer close(dialed)
				conn, err = c.dial(ctx, network, "127.0.0.1:"+port)
			}()
			<-dialed
			return conn, err
		},
	}}
}

// dial connects from the engine's network. It needs a goroutine of its own, whose thread ends
// with it.
func (c composer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	runtime.LockOSThread()
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.keeper))
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}
