// Package proxytest runs the recipes in the real proxies.
package proxytest

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/recipe"
	"glassjar/utl/tooltest"
)

// Proxy is a proxy with a recipe, and how to run it in a test. In its texts, DIR stands
// for the folder of its files, ADDR for the address it listens on, and PORT for the port.
type Proxy struct {
	Program string
	Files   map[string]string // the recipe for each file in DIR
	Frame   string            // the configuration that includes them: DIR/frame
	Args    []string          // arguments; they must not contain spaces
	Late    bool              // it listens before it has read its configuration, and answers 404 until then
	Tidies  bool              // it normalizes dots and percent-encoding in paths, for the gate and the app
}

// Needed skips the test with -short, and if the proxy is missing. CI must have all of them
// except Traefik, which is not in Debian.
func (p Proxy) Needed(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("the test needs " + p.Program + ", which -short leaves out")
	}
	if _, ok := tooltest.Find(p.Program); ok {
		return
	}
	if p.Program == "traefik" {
		t.Skip("traefik is not in PATH: its recipe did not run (utl/gate/README.md says how to build it)")
	}
	tooltest.Missing(t, p.Program)
}

// Start runs the proxy for the site until the test ends and returns its address. edit has
// alternating texts in its files and their replacements.
func (p Proxy) Start(t testing.TB, site recipe.Site, edit ...string) (addr string) {
	t.Helper()
	site.Listen = Free(t)
	ctx, _ := p.run(t, p.Command(t, site, edit...), site.Listen)
	if p.Late {
		waitForSite(ctx, t, p.Program, site)
	}
	return site.Listen
}

// Run runs the proxy with the text as its only file, in which it listens on the address,
// until the test ends or stop is called.
func (p Proxy) Run(t testing.TB, text, addr string) (stop func()) {
	t.Helper()
	p.Needed(t)
	texts := map[string]string{}
	for name := range p.Files {
		texts[name] = text
	}
	_, stop = p.run(t, p.write(t, texts, addr), addr)
	return stop
}

// run runs the command until the test ends or stop is called, which also end ctx.
func (p Proxy) run(t testing.TB, command []string, addr string) (ctx context.Context, stop func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); cancel(); close(ended) }() // either killed, or its output says why it stopped
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	listens(ctx, t, p.Program, addr)
	return ctx, stop
}

// listens waits until somebody listens on the address, at most 20 s.
func listens(ctx context.Context, t testing.TB, program, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for range time.Tick(10 * time.Millisecond) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = c.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s does not listen: %v", program, err)
		}
	}
}

// waitForSite waits until the proxy serves the sign-in host, at most 20 s.
func waitForSite(ctx context.Context, t testing.TB, program string, site recipe.Site) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for range time.Tick(10 * time.Millisecond) {
		r, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+site.Listen, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = site.PublicURL.Host
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatalf("%s: %v", program, err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			return
		}
	}
}

// Command writes the proxy's files for the site, which has the address to listen on, and
// returns the command that runs it in the foreground.
func (p Proxy) Command(t testing.TB, site recipe.Site, edit ...string) []string {
	t.Helper()
	p.Needed(t)
	texts := map[string]string{}
	for name, of := range p.Files {
		var text strings.Builder
		if err := recipe.Write(&text, of, site); err != nil {
			t.Fatal(err)
		}
		texts[name] = strings.NewReplacer(edit...).Replace(text.String())
	}
	return p.write(t, texts, site.Listen)
}

// write writes the proxy's files by name, and returns the command that runs it on the
// address.
func (p Proxy) write(t testing.TB, texts map[string]string, addr string) []string {
	t.Helper()
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(addr)
	here := strings.NewReplacer("DIR", dir, "ADDR", addr, "PORT", port)
	texts["frame"] = here.Replace(p.Frame)
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := []string{tooltest.Need(t, p.Program)}
	for _, arg := range p.Args {
		command = append(command, here.Replace(arg))
	}
	return command
}

// Free returns an address on loopback where nobody listens.
func Free(t testing.TB) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
