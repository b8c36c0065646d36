// Package recipe writes the configuration of a reverse proxy that shows
// glassjar and asks its gate before it lets anybody through to an app. It
// refuses every value that could be read as more than a host, an address or a
// group.
package recipe

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"text/template"
)

// Site is what a recipe is filled in with.
type Site struct {
	PublicURL *url.URL // where people sign in, through the proxy
	Address   string   // glassjar's host:port, or unix:/PATH, as the proxy reaches it over http
	Listen    string   // the proxy's own host:port; the host may be *
	Apps      []App    // no host may be there twice, nor PublicURL's
	Group     string   // only its people may pass; empty: everybody with an account
	GateHosts string   // GATE_HOSTS, for what starts glassjar
	MailFrom  string   // MAIL_FROM, for what starts glassjar
	Secrets   []string // the settings beside SESSION_KEYS that are secrets and set
}

// App is one app behind the gate.
type App struct {
	Host    string // as browsers name it, in lower case, without a port
	Address string // host:port, as the proxy reaches it over http
}

// The errors of Write and of App.UnmarshalText.
var (
	ErrRecipe  = errors.New("there is no such recipe")
	ErrApp     = errors.New("an app is HOST=ADDRESS, like app.example=127.0.0.1:9092")
	ErrHost    = errors.New("a host is a name of letters, digits, dots and dashes without a port, like app.example")
	ErrAddress = errors.New("an address is host:port, like 127.0.0.1:9092")
	ErrGroup   = errors.New("a group is 1 to 32 of a to z, 0 to 9 and . _ - and starts with a letter or a digit")
	ErrSocket  = errors.New("ADDR is a Unix socket, which this proxy cannot ask: set it to host:port, like 127.0.0.1:8080")
	ErrPath    = errors.New("in a recipe a socket is unix: and a path from / on, of A to Z, a to z, 0 to 9 and . _ -")
	ErrMail    = errors.New("in a recipe MAIL_FROM is of A to Z, a to z, 0 to 9 and . _ + - around its @: set it by hand")
	ErrTwice   = errors.New("every app and the sign-in need a host of their own")
)

//go:embed files
var files embed.FS

var templates = template.Must(template.New("").Option("missingkey=error").ParseFS(files, "files/*"))

// file is the template of each recipe.
var file = map[string]string{
	"nginx":       "nginx.conf",
	"nginx-app":   "nginx-app.conf",
	"caddy":       "Caddyfile",
	"haproxy":     "haproxy.cfg",
	"haproxy-lua": "glassjar.lua",
	"traefik":     "traefik.yml",

	"systemd":        "glassjar.service",
	"systemd-socket": "glassjar.socket",
	"container":      "compose.yml",
}

// overSocket are the recipes whose proxies ask a Unix socket. HAProxy's Lua does
// not, and Traefik neither.
var overSocket = map[string]bool{"nginx": true, "nginx-app": true, "caddy": true, "systemd": true, "systemd-socket": true}

// Names are the recipes: nginx, caddy, haproxy and traefik are whole files.
// nginx-app is what the server of one more app includes; haproxy-lua is what
// haproxy loads. systemd and systemd-socket are units, container a compose file with
// Caddy.
const Names = "nginx,nginx-app,caddy,haproxy,haproxy-lua,traefik,systemd,systemd-socket,container"

// Write writes the recipe of the name, filled in for the site. Errors:
// ErrRecipe; ErrHost, ErrAddress, ErrSocket, ErrPath, ErrGroup or ErrTwice for a
// value of the site, before anything is written; w's.
func Write(w io.Writer, name string, s Site) error {
	if file[name] == "" {
		return ErrRecipe
	}
	if err := s.check(name); err != nil {
		return err
	}
	if err := templates.ExecuteTemplate(w, path.Base(file[name]), s); err != nil {
		return fmt.Errorf("writing the recipe: %w", err)
	}
	return nil
}

// Host returns the host that people sign in at, without its port.
func (s Site) Host() string { return s.PublicURL.Hostname() }

// Scheme returns what browsers speak with the proxy: http or https.
func (s Site) Scheme() string { return s.PublicURL.Scheme }

// Secure reports whether browsers speak https with the proxy.
func (s Site) Secure() bool { return s.PublicURL.Scheme == "https" }

// Port returns the port of every host with a colon in front, or "" for the
// scheme's own.
func (s Site) Port() string {
	if port := s.PublicURL.Port(); port != "" {
		return ":" + port
	}
	return ""
}

// Query returns what the proxy adds to the gate's path: the group, if any.
func (s Site) Query() string {
	if s.Group == "" {
		return ""
	}
	return "?group=" + s.Group
}

// Upstream returns glassjar's address as Caddy writes it.
func (s Site) Upstream() string { return strings.Replace(s.Address, "unix:", "unix/", 1) }

// Credential returns what systemd calls the secret.
func (Site) Credential(setting string) string { return strings.ToLower(setting) }

// Socket returns where systemd listens in glassjar's place.
func (s Site) Socket() string { return strings.TrimPrefix(s.Address, "unix:") }

// OverUnix reports whether the proxy asks at a Unix socket.
func (s Site) OverUnix() bool { return strings.HasPrefix(s.Address, "unix:") }

// InContainer is glassjar's address beside other containers.
const InContainer = "glassjar:8080"

// Caddyfile returns the recipe for Caddy as the lines of a text in a compose file,
// whose own variables begin with $.
func (s Site) Caddyfile() ([]string, error) {
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, "Caddyfile", s); err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(text.String(), "$", "$$"), "\n"), "\n"), nil
}

// Published returns the ports that a container of Caddy publishes.
func (s Site) Published() string {
	port := strings.TrimPrefix(s.Port(), ":")
	switch {
	case !s.Secure() && port == "":
		return `"80:80"`
	case !s.Secure():
		return fmt.Sprintf(`"%[1]s:%[1]s"`, port)
	case port == "":
		port = "443"
	}
	return fmt.Sprintf(`"80:80", "%[1]s:%[1]s", "%[1]s:%[1]s/udp"`, port) // 80 for the certificate and for who forgets the s
}
