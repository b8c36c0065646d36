package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	apps "glassjar/utl/app"
	"glassjar/utl/config"
	"glassjar/utl/hosts"
	"glassjar/utl/recipe"
)

var (
	errNoPublicURL = errors.New("PUBLIC_URL is not set")
	errOwnTLS      = errors.New("TLS_CERT is set")
	errRelative    = errors.New("ADDR is a Unix socket with a path from the working folder, which the proxy does not know: give it one from / on, like unix:/run/glassjar/http.sock")
)

// withoutApps are the recipes that contain no app.
var withoutApps = []string{"nginx-app", "haproxy-lua", "systemd", "systemd-socket"}

type recipeCommand struct {
	Name  string      `arg:"" enum:"${recipes}" help:"One of ${enum}."`
	App   []recipeApp `placeholder:"HOST[=ADDRESS]" sep:"none" help:"An app behind the gate, and where it listens, such as app.example=127.0.0.1:9092; the host alone if app list has its address. May be repeated; without it, all of app list and GATE_HOSTS."`
	Group string      `help:"Only people in this group may pass."`
}

// recipeApp is an app in a recipe.
type recipeApp struct {
	recipe.App

	kept bool // only its host was given: the rest comes from the database
}

// UnmarshalText parses HOST=ADDRESS or HOST. Errors: those of recipe.App.
func (r *recipeApp) UnmarshalText(text []byte) error {
	if r.kept = !strings.Contains(string(text), "="); r.kept {
		r.Host = string(text)
		return nil
	}
	return r.App.UnmarshalText(text)
}

// apps returns the apps that were named, and reports whether any came from the database.
func (c *recipeCommand) apps(ctx context.Context, a *app) (all []recipe.App, kept bool, err error) {
	for _, one := range c.App {
		if one.kept {
			kept = true
			err = a.withStores(ctx, func(st *Stores) error {
				found, err := st.Apps.At(ctx, one.Host)
				one.App = recipe.App{Host: found.Host, Address: cmp.Or(found.Upstream, recipe.Placeholder)}
				return err
			})
		}
		if err != nil {
			return nil, kept, err
		}
		all = append(all, one.App)
	}
	return all, kept, nil
}

// Run prints the recipe for the settings and the apps that were named, or else for all apps
// of the database and of GATE_HOSTS. It creates nothing: no key, no database.
func (c *recipeCommand) Run(ctx context.Context, a *app) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	if c.Name == "container" {
		cfg.Addr = recipe.InContainer
	}
	site, err := siteOf(cfg)
	if err != nil {
		return err
	}
	named, kept, err := c.apps(ctx, a)
	if err != nil {
		return err
	}
	site.Apps, site.Group = named, c.Group
	c.fit(a, cfg, &site)
	if !kept && !slices.Contains(withoutApps, c.Name) {
		if len(named) == 0 && c.Name != "container" { // a container has a database of its own
			a.addKept(ctx, &site)
		}
		a.sayHosts(cfg, &site, named)
	}
	return recipe.Write(a.Stdout, c.Name, site)
}

// inPlace are the settings that have a field of recipe.Site, or that siteOf refuses.
var inPlace = []string{"ADDR", "PORT", "PUBLIC_URL", "GATE_HOSTS", "MAIL_FROM", "TLS_CERT", "TLS_KEY"}

// leftOut are the settings that a recipe does not print, and why.
var leftOut = map[string]map[string]string{
	"systemd": {"PAGES_DIR": "the service is another user; with systemctl edit glassjar, name a folder that it may read"},
	"container": {
		"TRUSTED_PROXIES": "there it is Caddy's container",
		"PAGES_DIR":       "mount the folder, and put its path into glassjar.env",
		"METRICS_ADDR":    "put the address where another container asks into glassjar.env",
		"MAIL_FROM":       inEnvFile, "SMTP_URL": inEnvFile, "DATABASE_URL": inEnvFile,
	},
}

const inEnvFile = "put it into glassjar.env"

// fit changes the site to what a service or a container can use of the settings, and says
// what it cannot.
func (c *recipeCommand) fit(a *app, cfg config.Config, site *recipe.Site) {
	names := slices.Clone(site.Secrets)
	if site.MailFrom != "" {
		names = append(names, "MAIL_FROM")
	}
	site.Further = slices.DeleteFunc(site.Further, func(s recipe.Setting) bool {
		names = append(names, s.Name)
		return leftOut[c.Name][s.Name] != ""
	})
	for _, name := range names {
		if why := leftOut[c.Name][name]; why != "" {
			a.info("%s is not in the file: %s", name, why)
		}
	}
	switch {
	case strings.HasPrefix(c.Name, "systemd"): // it listens where the settings say, not only where a proxy on this machine connects
		if port, all := strings.CutPrefix(cfg.Addr, ":"); all {
			site.Address = net.JoinHostPort("::", port)
		} else if _, socket := cfg.Socket(); !socket {
			site.Address = cfg.Addr
		}
		if path := cfg.DatabasePath(); c.Name == "systemd" && path != "" && cfg.DatabaseURL != "sqlite:glassjar.db" {
			a.info("DATABASE_URL is not in the file: the service has its database at /var/lib/private/glassjar/glassjar.db, so copy %s there under that name, and %s-wal and %s-shm if they exist", path, path, path)
		}
	case c.Name == "container":
		for _, app := range site.Apps {
			host, _, _ := net.SplitHostPort(app.Address)
			if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
				a.info("%s is Caddy's own container there: give %s the address that other containers have for it", app.Address, app.Host)
			}
		}
	}
}

// RecipeSite returns the recipe.Site of the settings, without apps, or nil if the settings
// are not sufficient.
func RecipeSite(cfg config.Config) *recipe.Site {
	site, err := siteOf(cfg)
	if err != nil {
		return nil
	}
	return &site
}

// siteOf returns the recipe.Site of the settings, without apps.
func siteOf(cfg config.Config) (recipe.Site, error) {
	switch {
	case cfg.PublicURL == nil:
		return recipe.Site{}, errNoPublicURL
	case cfg.TLSCert != "":
		return recipe.Site{}, errOwnTLS
	}
	address, err := addressOf(cfg)
	if err != nil {
		return recipe.Site{}, err
	}
	listen := cfg.PublicURL.Port()
	if listen == "" {
		listen = map[string]string{"http": "80", "https": "443"}[cfg.PublicURL.Scheme]
	}
	site := recipe.Site{
		PublicURL: cfg.PublicURL, Address: address, Listen: "*:" + listen,
		GateHosts: strings.Join(cfg.GateHosts, ","), MailFrom: cfg.MailFrom,
	}
	for _, given := range cfg.Given {
		if !slices.Contains(inPlace, given.Name) {
			site.Further = append(site.Further, recipe.Setting(given))
		}
	}
	if cfg.Postgres() {
		site.Secrets = append(site.Secrets, "DATABASE_URL")
	}
	if cfg.SMTPURL != nil {
		site.Secrets = append(site.Secrets, "SMTP_URL")
	}
	return site, nil
}

// addressOf returns the address where a proxy on this machine reaches a server with these
// settings.
func addressOf(cfg config.Config) (string, error) {
	if path, ok := cfg.Socket(); ok {
		if !filepath.IsAbs(path) {
			return "", errRelative
		}
		return cfg.Addr, nil
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading ADDR: %w", err)
	case port == "0":
		return "", errNoPort
	}
	if host == "" || host == "0.0.0.0" || host == "::" { // every address of this machine
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// addKept adds the apps of the database, if it can be read, and prints which are left out.
func (a *app) addKept(ctx context.Context, site *recipe.Site) {
	err := a.withStores(ctx, func(st *Stores) error {
		all, err := st.Apps.List(ctx)
		for _, one := range all {
			a.addApp(site, one)
		}
		return err
	})
	if _, none := errors.AsType[noSiteError](err); err != nil && !none {
		report(a.Stderr, err)
		a.info("the apps of the database are not in the file: name them with --app HOST=ADDRESS")
	}
}

// addApp adds the app of the database, unless its host is a pattern or has a port on which
// the proxy does not listen.
func (a *app) addApp(site *recipe.Site, kept apps.App) {
	app, err := site.AppAt(kept.Host, kept.Upstream)
	if err != nil {
		a.info("the app %s is not in the file: name its hosts with --app HOST=ADDRESS", kept.Host)
		return
	}
	if kept.Upstream == "" {
		a.info("%s stands for the address of %s: say on its page where it runs, or name it with --app %s=ADDRESS", recipe.Placeholder, app.Host, app.Host)
	}
	site.Apps = append(site.Apps, app)
}

// sayHosts adds the hosts of GATE_HOSTS for which there is no app, and prints which of the
// named apps the gate would refuse.
func (a *app) sayHosts(cfg config.Config, site *recipe.Site, named []recipe.App) {
	for _, app := range named {
		if !slices.ContainsFunc(cfg.GateHosts, func(host string) bool { return covers(host, app.Host) }) {
			a.info("the gate will refuse %s unless it is in app list or in GATE_HOSTS", app.Host)
		}
	}
	for _, host := range cfg.GateHosts {
		name := strings.TrimSuffix(host, ".")
		if slices.ContainsFunc(site.Apps, func(app recipe.App) bool { return covers(host, app.Host) }) {
			continue
		}
		var app recipe.App
		if app.UnmarshalText([]byte(name+"="+recipe.Placeholder)) != nil {
			a.info("GATE_HOSTS: %s is not in the file: name its apps with --app HOST=ADDRESS", host)
			continue
		}
		a.info("%s stands for the address of %s: name it with --app %s=ADDRESS", recipe.Placeholder, name, name)
		site.Apps = append(site.Apps, app)
	}
}

// covers reports whether the entry of GATE_HOSTS includes the host, on any port.
func covers(entry, host string) bool {
	p, ok := hosts.ParsePattern(entry)
	return ok && p.Names(host)
}
