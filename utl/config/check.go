package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"glassjar/utl/hosts"
)

// allowed says what each setting must be; of SESSION_KEYS, package keyring says it.
var allowed = map[string]string{
	"ADDR":              "must be host:port, like 127.0.0.1:8080 or :8080, or unix: and the path of a socket, like unix:/run/glassjar/http.sock",
	"PORT":              "must be a number from 0 to 65535, alone",
	"PUBLIC_URL":        "must be http:// or https:// and a host, without path, query, fragment or user, like https://jar.example",
	"TLS_CERT":          "must be a PEM file that is there, like /etc/ssl/certs/jar.pem",
	"TLS_KEY":           "must be a PEM file that is there, like /etc/ssl/private/jar.pem",
	"DATABASE_URL":      "must be sqlite: and the path of a file, like sqlite:glassjar.db, or PostgreSQL's, postgres://…",
	"SESSION_IDLE":      "must be a time of 5m or more, like 24h or 7d",
	"SESSION_MAX":       "must be a time from SESSION_IDLE to 365d, like 720h or 30d",
	"SIGNUP":            "must be invite, approve or open",
	"SECOND_FACTOR":     "must be optional or required",
	"PAGES_DIR":         "must be a folder that is there",
	"GATE_HOSTS":        "must be hosts with commas between them, like app.example,*.apps.example, and nothing as wide as *.com",
	"COOKIE_DOMAIN":     "must be the domain of an https PUBLIC_URL and no public suffix, like site.example for https://jar.site.example",
	"TRUSTED_PROXIES":   "must be addresses and networks with commas between them, like 127.0.0.0/8,::1",
	"LAB":               "must be on or off",
	"SITE_NAME":         "must be 1 to 64 characters that can be seen, on one line",
	"SESSION_KEYS_FILE": "must be the path of a file of one line, and SESSION_KEYS unset",
	"DATABASE_URL_FILE": "must be the path of a file of one line, and DATABASE_URL unset",
	"SMTP_URL_FILE":     "must be the path of a file of one line, and SMTP_URL unset",
	"SMTP_URL":          "must be smtp:// or smtps:// and a host, like smtp://user:password@mail.example:587; in user and password, signs like @ : / # ? % are written %40 %3A %2F %23 %3F %25",
	"MAIL_FROM":         "must be an email address alone, like jar@site.example",
	"METRICS_ADDR":      "must be host:port, like 127.0.0.1:9464, and not where ADDR is; without a host it is this machine's own",
	"LOG_LEVEL":         "must be debug, info, warn or error",
	"LOG_FORMAT":        "must be text or json",
	"AUDIT_KEEP":        "must be a time of 1h or more, like 2160h or 90d",
}

// parsers parse the types for which the library's parsers accept too much.
var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[url.URL]():        parsePublicURL,
	reflect.TypeFor[[]netip.Prefix](): parsePrefixes,
	reflect.TypeFor[[]string]():       parseHosts,
	reflect.TypeFor[time.Duration]():  parseDuration,
	reflect.TypeFor[MailURL]():        parseMailURL,
}

var (
	errNotAllowed = errors.New("not allowed")
	hostPattern   = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$`)
)

// isHost reports whether the text, in lower case, is a host name that browsers accept.
func isHost(text string) bool { return hostPattern.MatchString(text) && hosts.IsName(text) }

// faults holds at most one fault per setting, by its name: what is wrong, without the
// value.
type faults map[string]error

// require records a fault of the setting name if ok is false and it has none yet. The
// text is that of allowed unless words has another.
func (f faults) require(ok bool, name string, words ...string) {
	if ok || f[name] != nil {
		return
	}
	f[name] = errors.New(name + " " + append(words, allowed[name])[0])
}

// parsed records the settings whose values could not be parsed.
func (f faults) parsed(err error) {
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		for _, e := range all.Errors {
			fault, _ := errors.AsType[env.ParseError](e)
			field, _ := reflect.TypeFor[Config]().FieldByName(fault.Name)
			f.require(false, field.Tag.Get("env")) // not e itself, which quotes the value
		}
	}
}

// err returns all faults, sorted by setting, each with where its value came from, or nil
// if there are none.
func (f faults) err(origin func(name string) string) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fault := f[name]
		if from := origin(name); from != "" {
			fault = fmt.Errorf("%w (%s)", fault, from)
		}
		all = append(all, fault)
	}
	return errors.Join(all...)
}

// check records what is wrong with the parsed settings. values holds them as written, and
// dotenv is the path of the .env file.
func (c Config) check(f faults, values map[string]string, dotenv string) {
	c.checkAddr(f, values)
	c.checkTLS(f)

	f.require(c.SessionIdle >= 5*time.Minute, "SESSION_IDLE")
	f.require(c.SessionMax >= c.SessionIdle && c.SessionMax <= 8760*time.Hour, "SESSION_MAX")
	f.require(c.AuditKeep >= time.Hour, "AUDIT_KEEP")

	f.require(slices.Contains([]string{"invite", "approve", "open"}, c.SignUp), "SIGNUP")
	f.require(c.SecondFactor == "optional" || c.SecondFactor == "required", "SECOND_FACTOR")
	f.require(c.Lab == "on" || c.Lab == "off", "LAB")

	f.require(c.CookieDomain == "" || checkDomain(c.CookieDomain, c.PublicURL), "COOKIE_DOMAIN")

	c.checkMail(f)

	ok, _ := isAddr(c.MetricsAddr)
	f.require(c.MetricsAddr == "" || ok && c.MetricsAddr != c.Addr, "METRICS_ADDR")

	// slog accepts INFO+2 too
	f.require(slices.Contains([]string{"", "debug", "info", "warn", "error"}, values["LOG_LEVEL"]), "LOG_LEVEL")
	f.require(c.LogFormat == "text" || c.LogFormat == "json", "LOG_FORMAT")

	if c.PagesDir != "" {
		pages, err := os.Stat(c.PagesDir)
		f.require(err == nil && pages.IsDir(), "PAGES_DIR")
		f.require(f["PAGES_DIR"] != nil || !contains(pages, dotenv), "PAGES_DIR", "must not have .env inside it")
		f.require(f["PAGES_DIR"] != nil || c.Postgres() || !contains(pages, c.DatabasePath()), "PAGES_DIR", "must not have the database inside it")
		for _, name := range inFiles {
			path := values[name+"_FILE"]
			f.require(f["PAGES_DIR"] != nil || path == "" || !contains(pages, path), "PAGES_DIR", "must not have the file of "+name+"_FILE inside it")
		}
		f.require(f["PAGES_DIR"] != nil || c.TLSKey == "" || !contains(pages, c.TLSKey), "PAGES_DIR", "must not have TLS_KEY inside it")
	}
}

// checkAddr records what is wrong with ADDR and PORT, and that PUBLIC_URL is missing if
// other machines can reach them.
func (c Config) checkAddr(f faults, values map[string]string) {
	if path, ok := c.Socket(); ok {
		f.require(path != "" && path[0] != '@' && len(path) <= maxSocketPath && !strings.Contains(path, "\x00"), "ADDR",
			fmt.Sprintf("must be unix: and the path of a socket, of %d bytes at most, like unix:/run/glassjar/http.sock", maxSocketPath))
		f.require(values["PUBLIC_URL"] != "", "PUBLIC_URL", "must be set when ADDR is a Unix socket, which no browser opens, like https://jar.example")
		return
	}
	_, err := strconv.ParseUint(c.Addr, 10, 64)
	f.require(err != nil, "ADDR", "must be host:port, like 127.0.0.1:8080: set PORT, not ADDR, to a port alone")
	_, port, err := net.SplitHostPort(c.Addr)
	n, numErr := strconv.ParseUint(port, 10, 64)
	f.require(err != nil || numErr != nil || n <= 65535, "ADDR", "must be host:port with a port from 0 to 65535")
	ok, loopback := isAddr(c.Addr)
	f.require(ok, "ADDR")
	words := "must be set when ADDR is not a loopback address, like https://jar.example"
	if values["ADDR"] == "" {
		words = "must be set, like https://jar.example, because PORT alone means every address: " +
			"for this machine alone set ADDR, not PORT, to 127.0.0.1 and the port"
	}
	f.require(!ok || loopback || values["PUBLIC_URL"] != "", "PUBLIC_URL", words)
}

// maxSocketPath is the maximum length of a Unix socket's path on Linux, in bytes.
const maxSocketPath = 107

// Socket returns the path of the Unix socket to listen on, and reports whether ADDR is one.
func (c Config) Socket() (path string, ok bool) { return strings.CutPrefix(c.Addr, "unix:") }

// isAddr reports whether addr is host:port, and whether only this machine can reach it.
func isAddr(addr string) (ok, loopback bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false, false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false, false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return true, ip.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "" || isHost(host), host == "localhost"
}

// PlainHTTP reports whether people on other machines sign in over http without TLS.
func (c Config) PlainHTTP() bool {
	if c.PublicURL == nil || c.PublicURL.Scheme != "http" {
		return false
	}
	name := c.PublicURL.Hostname()
	_, loopback := isAddr(net.JoinHostPort(name, "0"))
	return !loopback && !strings.HasSuffix(name, ".localhost")
}

// defaultLab returns the default of LAB: on if only this machine can reach both the
// address and the public URL.
func (c Config) defaultLab() string {
	_, mine := isAddr(c.Addr)
	if mine && c.PublicURL != nil {
		_, mine = isAddr(net.JoinHostPort(c.PublicURL.Hostname(), "0"))
	}
	if mine {
		return "on"
	}
	return "off"
}

// parsePublicURL parses scheme and host, and returns them as browsers write an origin: in
// lower case and without the scheme's default port.
func parsePublicURL(v string) (any, error) {
	u, err := url.Parse(v)
	if err != nil || strings.ContainsAny(v, "?#@") || (u.Path != "" && u.Path != "/") {
		return nil, errNotAllowed
	}
	own, known := hosts.OwnPort(u.Scheme)
	port, err := strconv.ParseUint(cmp.Or(u.Port(), own), 10, 16)
	if !known || err != nil || port == 0 {
		return nil, errNotAllowed
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && ip.Zone() == "" {
		host = "[" + ip.String() + "]"
	} else if !isHost(host) {
		return nil, errNotAllowed
	}
	if p := strconv.FormatUint(port, 10); p != own {
		host += ":" + p
	}
	return url.URL{Scheme: u.Scheme, Host: host}, nil
}

// parsePrefixes parses networks and addresses separated by commas.
func parsePrefixes(v string) (any, error) {
	var all []netip.Prefix
	for part := range strings.SplitSeq(v, ",") {
		part = strings.TrimSpace(part)
		if ip, err := netip.ParseAddr(part); err == nil && ip.Zone() == "" {
			ip = ip.Unmap()
			all = append(all, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil || prefix.Addr().Is4In6() { // an IPv4-mapped prefix would match no address
			return nil, errNotAllowed
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

// Profiles reports whether METRICS_ADDR also serves profiles of the running program. They
// contain parts of its memory, so this needs LOG_LEVEL=debug and a loopback address.
func (c Config) Profiles() bool {
	_, loopback := isAddr(c.MetricsAddr)
	return loopback && c.LogLevel == slog.LevelDebug
}
