package config

import (
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

const sqliteScheme = "sqlite:"

// urlArgs are the parameters that DATABASE_URL may have for PostgreSQL. Others are
// settings of libpq that the driver would silently ignore or treat differently.
var urlArgs = []string{
	"host", "port", "user", "password", "dbname", "application_name", "connect_timeout", "search_path", "target_session_attrs",
	"sslmode", "sslrootcert", "sslcert", "sslkey", "default_query_exec_mode",
}

// Postgres reports whether the database is PostgreSQL.
func (c Config) Postgres() bool {
	return strings.HasPrefix(c.DatabaseURL, "postgres://") || strings.HasPrefix(c.DatabaseURL, "postgresql://")
}

// DatabasePath returns the path of the SQLite file in DATABASE_URL, or "".
func (c Config) DatabasePath() string {
	path, ok := strings.CutPrefix(c.DatabaseURL, sqliteScheme)
	if !ok {
		return ""
	}
	return path
}

// With returns the settings with another DATABASE_URL, and only the warnings about that.
// The error never contains the URL.
func (c Config) With(databaseURL string) (Config, error) {
	c.DatabaseURL, c.Warnings = databaseURL, nil
	f := faults{}
	c.checkDatabase(f)
	if err := f.err(func(string) string { return "" }); err != nil {
		return Config{}, err
	}
	return c, nil
}

// checkDatabase records what is wrong with DATABASE_URL. It adds sslmode=disable if
// PostgreSQL is on this machine and no mode is set: without it the driver tries TLS first
// and then connects again without.
func (c *Config) checkDatabase(f faults) {
	if !c.Postgres() {
		f.require(strings.HasPrefix(c.DatabaseURL, sqliteScheme) && checkFile(c.DatabasePath()), "DATABASE_URL")
		return
	}
	parsed, err := pgconn.ParseConfig(c.DatabaseURL)
	_, query, _ := strings.Cut(c.DatabaseURL, "?")
	args, argErr := url.ParseQuery(query)
	f.require(err == nil && argErr == nil, "DATABASE_URL",
		"must be like postgres://user:password@host:5432/name?sslmode=verify-full, with %40 for an @ in the password, and its certificates must be there")
	if err != nil || argErr != nil {
		return
	}
	for name := range args {
		f.require(slices.Contains(urlArgs, name), "DATABASE_URL", "must be a URL that asks for nothing but "+strings.Join(urlArgs, ", "))
	}
	f.require(slices.Contains([]string{"", "exec"}, args.Get("default_query_exec_mode")), "DATABASE_URL", "must be a URL with default_query_exec_mode=exec, for a pooler, or without one")
	if f["DATABASE_URL"] == nil {
		c.checkTLSMode(f, args, here(parsed))
	}
}

// checkTLSMode records whether connections to PostgreSQL are encrypted and verified.
func (c *Config) checkTLSMode(f faults, args url.Values, mine bool) {
	switch mode := args.Get("sslmode"); {
	case mode == "" && mine:
		c.DatabaseURL += map[bool]string{true: "?", false: "&"}[len(args) == 0] + "sslmode=disable"
	case mode == "disable" && !mine:
		c.Warnings = append(c.Warnings, "DATABASE_URL has sslmode=disable, and PostgreSQL is on another machine: who listens between reads every password's hash; use sslmode=verify-full")
	case mode == "require" && args.Get("sslrootcert") == "":
		c.Warnings = append(c.Warnings, "DATABASE_URL has sslmode=require, which takes any server for PostgreSQL: use sslmode=verify-full")
	default:
		f.require(slices.Contains([]string{"disable", "require", "verify-ca", "verify-full"}, mode), "DATABASE_URL",
			"must be a URL with sslmode=verify-full, or sslmode=disable where nobody can listen: others fall back to plain text")
	}
}

// here reports whether all of PostgreSQL's hosts are this machine.
func here(c *pgconn.Config) bool {
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	return !slices.ContainsFunc(hosts, func(host string) bool {
		ip, err := netip.ParseAddr(host)
		return host != "localhost" && !strings.HasPrefix(host, "/") && (err != nil || !ip.IsLoopback())
	})
}

// checkFile reports whether path can be an SQLite file: not a folder, not :memory:, and
// not the rest of a malformed URL.
func checkFile(path string) bool {
	if path == "" || path == ":memory:" || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "?#\x00") {
		return false
	}
	info, err := os.Stat(path)
	return err != nil || !info.IsDir()
}
