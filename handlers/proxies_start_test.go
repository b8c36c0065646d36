package handlers_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// proxy is one of README's recipes, and what lets it run here. In its texts,
// DIR is the folder that it is copied to, and ADDR where it listens, on PORT.
type proxy struct {
	program string
	recipes []string // in testdata
	local   []string // what is replaced in a recipe, and by what, in turn
	grouped []string // the same, so that only the group dev may pass
	frame   string   // a file of its own, named frame
	args    []string
}

var proxies = []proxy{
	{
		"nginx",
		[]string{"nginx.conf"},
		[]string{"listen 80;", "listen ADDR;"},
		[]string{"glassjar/gate/check", "glassjar/gate/check?group=dev"},
		"events {} pid DIR/pid; http { access_log off; client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; " +
			"fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s; include DIR/nginx.conf; }",
		[]string{"-e", "stderr", "-p", "DIR", "-c", "DIR/frame", "-g", "daemon off; master_process off; error_log stderr;"},
	},
	{
		"caddy",
		[]string{"Caddyfile"},
		[]string{"\njar.example {", "\nhttp://jar.example {", "\napp.example {", "\nhttp://app.example {"},
		[]string{"uri /gate/forward?", "uri /gate/forward?group=dev"},
		"{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n\thttp_port PORT\n}\nimport DIR/Caddyfile\n",
		[]string{"run", "--adapter", "caddyfile", "--config", "DIR/frame"},
	},
	{
		"haproxy",
		[]string{"haproxy.cfg", "glassjar.lua"},
		[]string{"bind :80", "bind ADDR", "/etc/haproxy/", "DIR/"},
		[]string{"/gate/check unless", "/gate/check?group=dev unless"},
		"",
		[]string{"-db", "-f", "DIR/haproxy.cfg"},
	},
	{
		"traefik",
		[]string{"traefik.yml"},
		nil,
		[]string{"/gate/forward #", "/gate/forward?group=dev #"},
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
	missing(t, p.program)
}

// start runs the proxy until the test ends and returns its address. replace
// holds what more to replace in the recipe: hosts, addresses.
func (p proxy) start(t *testing.T, replace ...string) (addr string) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	_ = ln.Close()
	dir := t.TempDir()
	here := strings.NewReplacer("DIR", dir, "ADDR", addr, "PORT", strings.TrimPrefix(addr, "127.0.0.1:"))
	p.copy(t, dir, here, slices.Concat(p.local, replace))
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

// copy writes the frame and the recipe to the folder, with every text that is
// to be replaced replaced. All of them must be there.
func (p proxy) copy(t *testing.T, dir string, here *strings.Replacer, replace []string) {
	t.Helper()
	files := map[string]string{"frame": p.frame}
	found := make([]bool, len(replace)/2)
	for _, name := range p.recipes {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for i := range found {
			found[i] = found[i] || strings.Contains(text, replace[2*i])
			text = strings.ReplaceAll(text, replace[2*i], replace[2*i+1])
		}
		files[name] = text
	}
	if i := slices.Index(found, false); i >= 0 {
		t.Fatalf("%s: there is no %q to replace", p.program, replace[2*i])
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(here.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// README shows the recipes as they run here.
func TestRecipesAreREADMEs(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range proxies {
		for _, name := range p.recipes {
			text, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(readme), "\n```\n"+string(text)+"```\n") {
				t.Errorf("README.md does not show testdata/%s as it is", name)
			}
		}
	}
}
