// Package config reads the settings from the environment and from .env, checks them
// together, and reports every fault at once. A fault names its setting and what is
// allowed, and never quotes a value. It refuses a .env file that others can read.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"glassjar/utl/keyring"
)

// Config has every setting, after all checks.
type Config struct {
	// Addr is the address to listen on, host:port or unix:PATH. If only PORT is set, it is
	// :PORT.
	Addr string `env:"ADDR" envDefault:"127.0.0.1:8080"`
	Port uint16 `env:"PORT"`
	// PublicURL is how browsers reach the site: scheme and host as in Origin. It is nil if
	// not set.
	PublicURL *url.URL `env:"PUBLIC_URL"`
	// TLSCert and TLSKey are the paths of PEM files, or both empty for plain http.
	TLSCert string `env:"TLS_CERT"`
	TLSKey  string `env:"TLS_KEY"`

	SessionKeys string `env:"SESSION_KEYS"` // as written; package keyring checks them
	KeysFromEnv bool   // whether SESSION_KEYS came from the environment or SESSION_KEYS_FILE, not from .env
	// Paths of files that each contain the one setting without _FILE.
	SessionKeysFile string `env:"SESSION_KEYS_FILE"`
	DatabaseURLFile string `env:"DATABASE_URL_FILE"`
	SMTPURLFile     string `env:"SMTP_URL_FILE"`

	DatabaseURL  string        `env:"DATABASE_URL" envDefault:"sqlite:glassjar.db"`
	SessionIdle  time.Duration `env:"SESSION_IDLE" envDefault:"24h"`
	SessionMax   time.Duration `env:"SESSION_MAX" envDefault:"720h"`
	SignUp       string        `env:"SIGNUP" envDefault:"invite"`          // invite, approve or open
	SecondFactor string        `env:"SECOND_FACTOR" envDefault:"optional"` // optional or required
	PagesDir     string        `env:"PAGES_DIR"`                           // empty: /pages/ is off

	GateHosts    []string `env:"GATE_HOSTS"`    // in lower case; empty: no hosts but those of apps
	CookieDomain string   `env:"COOKIE_DOMAIN"` // empty: each gate host has a cookie of its own

	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1"`

	// Lab is on or off. Its default is on if only this machine can reach the site.
	Lab string `env:"LAB"`

	SiteName string `env:"SITE_NAME" envDefault:"glassjar"` // the site's name in pages and mails
	// SMTPURL is nil and MailFrom empty if mail is not set up.
	SMTPURL  *MailURL `env:"SMTP_URL"`
	MailFrom string   `env:"MAIL_FROM"`

	// MetricsAddr is where Prometheus reads metrics, host:port; empty: nowhere.
	MetricsAddr string `env:"METRICS_ADDR"`

	LogLevel  slog.Level    `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat string        `env:"LOG_FORMAT" envDefault:"text"`
	AuditKeep time.Duration `env:"AUDIT_KEEP" envDefault:"2160h"`

	// Given are the settings that are not as by default, as written, without secrets and the
	// files of secrets.
	Given []Given
	// Warnings are sentences about what in .env and the environment may be a mistake.
	Warnings []string
}

// Load reads the settings: from getenv, else from the .env file at path, which need not
// exist, else the default. An empty value counts as not set. The error has every fault of
// the settings, one per line, or the one fault of the file. environment ("NAME=value"
// each) is only searched for misspelled names of settings.
func Load(path string, getenv func(string) string, environment ...string) (Config, error) {
	file, err := readDotenv(path)
	if err != nil {
		return Config{}, err
	}
	values := map[string]string{}
	for _, s := range Settings() {
		values[s.Name] = cmp.Or(getenv(s.Name), file.Values[s.Name])
	}
	faults, credentials := faults{}, getenv("CREDENTIALS_DIRECTORY")
	useCredentials(faults, values, credentials)
	c := Config{KeysFromEnv: getenv("SESSION_KEYS") != "" || values["SESSION_KEYS_FILE"] != "", Given: given(values), Warnings: doubtful(path, file.Lines, file.Lost)}
	c.Warnings = append(c.Warnings, doubtfulNames(environment)...)
	c.Warnings = append(c.Warnings, readSecrets(faults, values, credentials)...)
	faults.parsed(env.ParseWithOptions(&c, env.Options{Environment: values, FuncMap: parsers}))
	if values["ADDR"] == "" && values["PORT"] != "" {
		c.Addr = ":" + strconv.Itoa(int(c.Port))
	}
	if c.Lab == "" {
		c.Lab = c.defaultLab()
	}
	if strings.HasPrefix(c.MetricsAddr, ":") {
		c.MetricsAddr = "127.0.0.1" + c.MetricsAddr // an omitted host means this machine here; every address is 0.0.0.0
	}
	c.checkDatabase(faults)
	c.check(faults, values, path)
	if len(faults) > 0 && faults["SESSION_KEYS"] == nil && c.SessionKeys != "" { // else whoever uses the keys reports what is wrong with them
		if _, err := keyring.Parse(c.SessionKeys); err != nil {
			faults["SESSION_KEYS"] = err
		}
	}
	if err := faults.err(source{getenv, file, path}.of); err != nil {
		for _, text := range c.Warnings { // a warning may be the cause
			err = errors.Join(err, errors.New(text))
		}
		return Config{}, err
	}
	return c, nil
}

// LogValue returns the settings for a log line, without SESSION_KEYS,
// DATABASE_URL and the user of SMTP_URL.
func (c Config) LogValue() slog.Value {
	public := ""
	if c.PublicURL != nil {
		public = c.PublicURL.String()
	}
	return slog.GroupValue(
		slog.String("addr", c.Addr),
		slog.String("public_url", public),
		slog.String("tls_cert", c.TLSCert),
		slog.String("tls_key", c.TLSKey),
		slog.Bool("keys_from_env", c.KeysFromEnv),
		slog.Duration("session_idle", c.SessionIdle),
		slog.Duration("session_max", c.SessionMax),
		slog.String("signup", c.SignUp), slog.String("second_factor", c.SecondFactor),
		slog.String("pages_dir", c.PagesDir),
		slog.String("gate_hosts", fmt.Sprint(c.GateHosts)),
		slog.String("cookie_domain", c.CookieDomain),
		slog.String("trusted_proxies", fmt.Sprint(c.TrustedProxies)),
		slog.String("lab", c.Lab),
		slog.String("site_name", c.SiteName),
		slog.String("smtp_url", c.SMTPURL.String()),
		slog.String("mail_from", c.MailFrom),
		slog.String("metrics_addr", c.MetricsAddr),
		slog.String("log_level", c.LogLevel.String()),
		slog.String("log_format", c.LogFormat),
		slog.Duration("audit_keep", c.AuditKeep),
	)
}

// String returns LogValue as text, so that fmt prints no secrets.
func (c Config) String() string { return c.LogValue().String() }

// GoString returns String, so that %#v prints no secrets.
func (c Config) GoString() string { return c.String() }

// Given is a setting and its value, as people write them.
type Given struct{ Name, Value string }

// given returns Config's Given.
func given(values map[string]string) (all []Given) {
	for _, s := range Settings() {
		secret := slices.Contains(inFiles, strings.TrimSuffix(s.Name, "_FILE"))
		if v := values[s.Name]; v != "" && v != s.Default && !secret {
			all = append(all, Given{s.Name, v})
		}
	}
	return all
}

// Setting is the name and the default of a setting, as people write them.
type Setting struct{ Name, Default string }

// Settings returns every setting, in the order of Config's fields.
func Settings() []Setting {
	var all []Setting
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name, ok := field.Tag.Lookup("env"); ok {
			all = append(all, Setting{name, field.Tag.Get("envDefault")})
		}
	}
	return all
}
