package handlers_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/recipe"
)

// proxy is a proxy that a recipe is for, and what lets it run here. In its
// texts, DIR is the folder that the files are in, and ADDR where it listens, on
// PORT.
type proxy struct {
	program string
	files   map[string]string // the recipe of each file in DIR
	frame   string            // a file around them, named frame
	args    []string
}

var proxies = []proxy{
	{
		"nginx",
		map[string]string{"nginx.conf": "nginx"},
		"events {} pid DIR/pid; http { access_log off; client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; " +
			"fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s; include DIR/nginx.conf; }",
		[]string{"-e", "stderr", "-p", "DIR", "-c", "DIR/frame", "-g", "daemon off; master_process off; error_log stderr;"},
	},
	{
		"caddy",
		map[string]string{"Caddyfile": "caddy"},
		"{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n\thttp_port PORT\n}\nimport DIR/Caddyfile\n",
		[]string{"run", "--adapter", "caddyfile", "--config", "DIR/frame"},
	},
	{
		"haproxy",
		map[string]string{"haproxy.cfg": "haproxy", "glassjar.lua": "haproxy-lua"},
		"",
		[]string{"-db", "-f", "DIR/haproxy.cfg"},
	},
	{
		"traefik",
		map[string]string{"traefik.yml": "traefik"},
		"",
		[]string{"--providers.file.filename=DIR/traefik.yml", "--entrypoints.web.address=ADDR"},
	},
}

// needed skips the test where the proxy is missing; CI must have all but
// Traefik, which Debian has not.
func (p proxy) needed(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin") // where Debian has them
	if _, err := exec.LookPath(p.program); err == nil {
		return
	}
	if p.program == "traefik" {
		t.Skip("traefik is missing: its recipe did not run")
	}
	webtest.Missing(t, p.program)
}

// start runs the proxy for the site until the test ends and returns its
// address. edit holds what is replaced in its files, and by what, in turn.
func (p proxy) start(t *testing.T, site recipe.Site, edit ...string) (addr string) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	_ = ln.Close()
	dir := t.TempDir()
	here := strings.NewReplacer("DIR", dir, "ADDR", addr, "PORT", strings.TrimPrefix(addr, "127.0.0.1:"))
	site.Listen = addr
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("frame", here.Replace(p.frame))
	for name, of := range p.files {
		var text strings.Builder
		if err := recipe.Write(&text, of, site); err != nil {
			t.Fatal(err)
		}
		write(name, strings.NewReplacer(edit...).Replace(text.String()))
	}
	var args []string
	for _, arg := range p.args {
		args = append(args, here.Replace(arg))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, p.program, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); cancel(); close(ended) }() // it is killed, or says why it stopped
	t.Cleanup(func() { cancel(); <-ended })
	for range time.Tick(10 * time.Millisecond) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = c.Close()
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%s does not listen: %v", p.program, err)
		}
	}
	return addr
}
