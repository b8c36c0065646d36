// Package recipe writes the configuration of a reverse proxy that serves glassjar and asks
// its gate before it passes a request on to an app, and the files of services that run
// glassjar. It refuses every value that could be read as more than a host, an address or
// a group.
package recipe

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"text/template"

	"glassjar/utl/hosts"
)

// Site has the values of a recipe.
type Site struct {
	PublicURL *url.URL  // where people sign in, through the proxy
	Address   string    // glassjar's host:port, or unix:/PATH, as the proxy reaches it over http
	Listen    string    // the host:port on which the proxy listens; the host may be *
	Apps      []App     // their hosts must differ from each other and from PublicURL's
	Group     string    // only its members may pass; empty: everybody with an account
	GateHosts string    // GATE_HOSTS, for services and containers
	MailFrom  string    // MAIL_FROM, for services
	Secrets   []string  // names of the other secret settings that are set, without SESSION_KEYS
	Further   []Setting // the settings that have no field here, for services and containers
}

// Setting is a setting that is no secret, and its value.
type Setting struct{ Name, Value string }

// Systemd returns the setting as a word of Environment= in a unit (systemd.syntax(7)).
func (s Setting) Systemd() string {
	return `"` + s.Name + "=" + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(s.Value) + `"`
}

// Compose returns the value as YAML for a compose file, in which $ is doubled.
func (s Setting) Compose() string {
	return "'" + strings.NewReplacer("'", "''", "$", "$$").Replace(s.Value) + "'"
}

// App is one app behind the gate.
type App struct {
	Host    string // its host name in browsers, in lower case, without a port
	Address string // host:port where the proxy reaches it over http
}

// Placeholder is the Address of an app when nobody has said where it runs.
const Placeholder = "127.0.0.1:9092"

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
	ErrSetting = errors.New("in a recipe a setting is of characters that can be seen, on one line: set it by hand")
	ErrTwice   = errors.New("every app and the sign-in need a host of their own")
)

//go:embed files
var files embed.FS

var templates = template.Must(template.New("").Option("missingkey=error").ParseFS(files, "files/*"))

// file is the name of each recipe's template.
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

// overSocket are the recipes whose proxies can connect to a Unix socket. HAProxy's Lua and
// Traefik cannot.
var overSocket = map[string]bool{"nginx": true, "nginx-app": true, "caddy": true, "systemd": true, "systemd-socket": true}

// Names are the recipes. nginx, caddy, haproxy and traefik are whole files; nginx-app is
// included by the server of each further app; haproxy-lua is loaded by haproxy; systemd
// and systemd-socket are units; container is a compose file with Caddy.
const Names = "nginx,nginx-app,caddy,haproxy,haproxy-lua,traefik,systemd,systemd-socket,container"

// AppAt returns the App for a host as apps of the gate have it, which may have the sign-in's
// port, at the address, or at Placeholder if that is empty. Errors: ErrHost, ErrAddress.
func (s Site) AppAt(host, address string) (App, error) {
	if name, port, ok := hosts.Split(host); ok && port == s.PublicURL.Port() {
		host = name
	}
	a := App{lower(host), cmp.Or(address, Placeholder)}
	return a, a.check()
}

// Write writes the recipe with the name for the site. Errors: ErrRecipe; ErrHost,
// ErrAddress, ErrSocket, ErrPath, ErrMail, ErrSetting, ErrGroup or ErrTwice for a value of the site,
// before anything is written; w's.
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

// Host returns the host name where people sign in.
func (s Site) Host() string { return s.PublicURL.Hostname() }

// LongHosts reports whether nginx, as it is set up, may have no room for a host's name: it
// has 64 bytes for one, of which some are its own.
func (s Site) LongHosts() bool {
	return len(s.Host()) > 40 || slices.ContainsFunc(s.Apps, func(a App) bool { return len(a.Host) > 40 })
}

// Scheme returns the scheme between browsers and the proxy: http or https.
func (s Site) Scheme() string { return s.PublicURL.Scheme }

// Secure reports whether Scheme is https.
func (s Site) Secure() bool { return s.PublicURL.Scheme == "https" }

// Port returns ":" and the port of every host, or "" for the scheme's default port.
func (s Site) Port() string {
	if port := s.PublicURL.Port(); port != "" {
		return ":" + port
	}
	return ""
}

// Query returns the query of the gate's URL, with the group, or "".
func (s Site) Query() string {
	if s.Group == "" {
		return ""
	}
	return "?group=" + s.Group
}

// Upstream returns glassjar's address in Caddy's spelling.
func (s Site) Upstream() string { return strings.Replace(s.Address, "unix:", "unix/", 1) }

// Credential returns the name of the setting's systemd credential.
func (Site) Credential(setting string) string { return strings.ToLower(setting) }

// Own returns glassjar's address as its ADDR.
func (s Site) Own() string {
	if port, all := strings.CutPrefix(s.Address, everywhere); all {
		return ":" + port
	}
	return s.Address
}

// Socket returns the address, or the path of the Unix socket, on which systemd listens for
// glassjar (ListenStream= in systemd.socket(5)).
func (s Site) Socket() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.Address, "unix:"), everywhere)
}

// everywhere begins an address on all addresses of the machine. Own and Socket leave it out,
// because it fails where there is no IPv6.
const everywhere = "[::]:"

// OverUnix reports whether glassjar's address is a Unix socket.
func (s Site) OverUnix() bool { return strings.HasPrefix(s.Address, "unix:") }

// InContainer is glassjar's address for other containers of the compose file.
const InContainer = "glassjar:8080"

// Caddyfile returns the lines of Caddy's recipe for a compose file, in which $ is doubled.
func (s Site) Caddyfile() ([]string, error) {
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, "Caddyfile", s); err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(text.String(), "$", "$$"), "\n"), "\n"), nil
}

// Published returns the ports that Caddy's container publishes, as YAML.
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
	return fmt.Sprintf(`"80:80", "%[1]s:%[1]s", "%[1]s:%[1]s/udp"`, port) // 80 is for certificates (ACME) and for redirects from http
}
