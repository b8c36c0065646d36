// Command glassjar is a sign-in server that you can see through. This file is
// the only one that touches the process: it reads the settings, wires the
// parts together and serves until it is told to stop.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"glassjar/handlers"
	"glassjar/static"
	"glassjar/templates"
	"glassjar/utl/account"
	"glassjar/utl/anatomy"
	"glassjar/utl/cli"
	"glassjar/utl/config"
	"glassjar/utl/db"
	"glassjar/utl/gate"
	"glassjar/utl/keyring"
	"glassjar/utl/logs"
	"glassjar/utl/password"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
	"glassjar/utl/tlscert"
)

// dotenv is the settings' file, in the working folder.
const dotenv = ".env"

func main() {
	signal.Ignore(syscall.SIGPIPE) // a log whose reader died ends no server
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the command that args name, or serves until ctx ends. It returns
// the exit code: 0, 1 when it went wrong, 2 when it was asked wrongly.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	p := &program{getenv: getenv, stdout: stdout, stderr: stderr}
	return cli.Run(ctx, args, cli.Env{
		Stdin: os.Stdin, Stdout: stdout, Stderr: stderr, Dotenv: dotenv,
		Config: func() (config.Config, error) { return config.Load(dotenv, getenv) },
		Open:   p.open,
		Serve:  p.serve,
	})
}

type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	lines          *logs.Queue // the log's, when serving
}

// open reads the settings, makes what is missing on a first start, and opens
// the stores.
func (p *program) open(ctx context.Context) (_ *cli.Stores, err error) {
	cfg, err := config.Load(dotenv, p.getenv)
	if err != nil {
		return nil, err
	}
	ring, err := openRing(cfg)
	if err != nil {
		return nil, err
	}
	data, err := db.Open(ctx, cfg.DatabasePath())
	if err != nil {
		return nil, err
	}
	log := p.newLog(cfg)
	sessions, err := session.New(session.Options{
		DB: data, Keys: ring.Derive("session"), GateKeys: ring.Derive("gate"), GateDomain: cfg.CookieDomain, Secure: cfg.PublicURL != nil && cfg.PublicURL.Scheme == "https",
		Idle: cfg.SessionIdle, Max: cfg.SessionMax, Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	hasher := password.NewHasher(password.Recommended(), password.Workers(runtime.GOMAXPROCS(0)), password.Line)
	return &cli.Stores{
		Config: cfg, Ring: ring, Log: log, DB: data, Sessions: sessions,
		Accounts: account.New(account.Options{DB: data, Sessions: sessions, Hasher: hasher, Host: host(cfg), Now: time.Now}),
	}, nil
}

// openRing returns the session keys: the environment's, or .env's, where the
// first one is made if there is none.
func openRing(cfg config.Config) (ring keyring.Ring, err error) {
	if cfg.KeysFromEnv {
		ring, err = keyring.Parse(cfg.SessionKeys)
	} else {
		ring, err = keyring.Ensure(dotenv)
	}
	if err != nil {
		return ring, err
	}
	return ring, ring.SelfTest()
}

func (p *program) newLog(cfg config.Config) *slog.Logger {
	format := func(w io.Writer) slog.Handler {
		o := &slog.HandlerOptions{Level: cfg.LogLevel}
		if cfg.LogFormat == "json" {
			return slog.NewJSONHandler(w, o)
		}
		return slog.NewTextHandler(w, o)
	}
	if p.lines != nil {
		return slog.New(p.lines.Handler(format))
	}
	return slog.New(format(p.stderr))
}

// serve answers requests until ctx ends, then lets those under way finish, for
// 10 seconds at most.
func (p *program) serve(ctx context.Context) error {
	p.lines = logs.New(p.stderr)
	defer p.lines.Close()
	st, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = st.DB.Close() }()
	ln, pair, err := listen(ctx, st.Config)
	if err != nil {
		return err
	}
	st.Warn(ctx)
	public := publicURL(st.Config, ln.Addr())
	sign, err := newSigners(st, public)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	slow := &throttle.Store{DB: st.DB, Now: time.Now}
	site, err := newSite(st, handlers.Config{PublicURL: public, AnyLoopback: st.Config.PublicURL == nil, Devices: sign.devices, Throttle: slow, Lab: sign.lab, Gate: sign.gate})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if err := p.greet(ctx, st, public); err != nil {
		return errors.Join(err, ln.Close())
	}

	if runtime.GOMAXPROCS(0) == 1 && p.getenv("GOMAXPROCS") == "" {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // the system shares the one core out: a hash would keep Go's for 40 ms
	}
	var background sync.WaitGroup
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	background.Go(debug.FreeOSMemory) // what only the start needed
	background.Go(func() { st.Sessions.Run(watching) })
	background.Go(func() { st.DB.Run(watching, st.Log) })
	background.Go(func() { sweep(watching, st, slow) })
	if !st.Config.KeysFromEnv {
		background.Go(func() { watchKeys(watching, st, sign) })
	}
	if pair != nil {
		background.Go(func() { watchCertificate(watching, pair, st.Log) })
	}
	err = answer(ctx, ln, newServer(site, st.Log), st.Log)
	stop()
	background.Wait()
	return err
}

// newSite returns the pages over the stores, c completed with what they need.
func newSite(st *cli.Stores, c handlers.Config) (http.Handler, error) {
	c.Accounts, c.Sessions, c.TrustedProxies = st.Accounts, st.Sessions, st.Config.TrustedProxies
	c.Templates, c.Static, c.Log, c.Now = templates.FS, static.FS, st.Log, time.Now
	if st.Config.Lab != "on" {
		c.Lab = nil
	}
	if st.Config.PagesDir != "" {
		root, err := os.OpenRoot(st.Config.PagesDir)
		if err != nil {
			return nil, fmt.Errorf("opening PAGES_DIR: %w", err)
		}
		c.Pages = root
	}
	return handlers.New(c)
}

// greet says where to open the browser and, while there is no account, prints
// the link that makes the owner: to stdout, not to the log.
func (p *program) greet(ctx context.Context, st *cli.Stores, public *url.URL) error {
	code, err := st.Accounts.NewFirst(ctx)
	if err != nil {
		return err
	}
	missing, err := st.Accounts.OwnerMissing(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "glassjar is at %s\n", public)
	if code != "" {
		fmt.Fprintf(p.stdout, "make the owner's account within 24 hours at %s\n", public.JoinPath("join", code))
	}
	if missing {
		fmt.Fprintln(p.stdout, "no owner can sign in, so nobody can manage people: glassjar user add NAME --role owner, or glassjar user enable NAME")
	}
	return nil
}

// publicURL returns PUBLIC_URL, or where we listen on this machine.
func publicURL(cfg config.Config, addr net.Addr) *url.URL {
	if cfg.PublicURL != nil {
		return cfg.PublicURL
	}
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		panic(err) // it is a TCP address
	}
	return &url.URL{Scheme: "http", Host: "localhost:" + port}
}

// host returns the site's host name, as browsers know it.
func host(cfg config.Config) string {
	if cfg.PublicURL != nil {
		return cfg.PublicURL.Hostname()
	}
	return "localhost"
}

// listen listens at ADDR, over TLS where there is a certificate; the pair is
// nil where there is none.
func listen(ctx context.Context, cfg config.Config) (ln net.Listener, pair *tlscert.Pair, err error) {
	if cfg.TLSCert != "" {
		if pair, err = tlscert.Load(cfg.TLSCert, cfg.TLSKey); err != nil {
			return nil, nil, err
		}
	}
	if ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr); err != nil {
		return nil, nil, fmt.Errorf("listening: %w", err)
	}
	if pair != nil {
		ln = tls.NewListener(ln, pair.Config())
	}
	return ln, pair, nil
}

// watchCertificate takes up a change of the certificate's files, until ctx ends.
func watchCertificate(ctx context.Context, pair *tlscert.Pair, log *slog.Logger) {
	for every(ctx, time.Second) {
		changed, err := pair.Reload()
		if err != nil {
			log.WarnContext(ctx, "the certificate stays the old one", "error", err)
		} else if changed {
			log.InfoContext(ctx, "certificate changed")
		}
	}
}

// newServer returns the server of the site, with every limit that it keeps.
func newServer(site http.Handler, log *slog.Logger) *http.Server {
	spoken := new(http.Protocols)
	spoken.SetHTTP1(true)
	spoken.SetHTTP2(true) // over TLS alone
	return &http.Server{
		Protocols:         spoken,
		Handler:           parting(site),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second, // longer than nginx keeps a connection
		MaxHeaderBytes:    256<<10 - 4096,   // net/http adds 4,096. The site answers those over 64 KB with a page
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),

		DisableGeneralOptionsHandler: true, // its answer would have none of our headers
	}
}

// answer serves until ctx ends.
func answer(ctx context.Context, ln net.Listener, srv *http.Server, log *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ending); err != nil { // somebody is slow: that is no fault of the stop
		log.WarnContext(ctx, "connections cut off", "error", errors.Join(err, srv.Close()))
	}
	return nil
}

// parting serves the site and hangs up after a chunked request. One that has a
// Content-Length too looks no different here, and a proxy that goes by that
// would take what is left over for the next request (RFC 9112, section 6.1).
func parting(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		site.ServeHTTP(w, r)
	})
}

// signers are what has keys of its own, beside the sessions.
type signers struct {
	devices *session.Devices
	lab     *anatomy.Lab
	gate    *gate.Gate
}

func newSigners(st *cli.Stores, public *url.URL) (s signers, err error) {
	if s.devices, err = session.NewDevices(public.Scheme == "https", st.Ring.Derive("device")); err != nil {
		return s, err
	}
	if s.lab, err = anatomy.New(labKeys(st.Ring)); err != nil {
		return s, err
	}
	s.gate, err = gate.New(gate.Options{
		Public: public, Hosts: st.Config.GateHosts, Domain: st.Config.CookieDomain, Keys: st.Ring.Derive("identity"), Now: time.Now,
	})
	return s, err
}

// watchKeys takes up a change of .env's session keys, until ctx ends.
func watchKeys(ctx context.Context, st *cli.Stores, sign signers) {
	now := st.Ring.Text()
	for every(ctx, 500*time.Millisecond) {
		ring, err := keyring.Read(dotenv)
		if err != nil || ring.Text() == now {
			continue // a file that is gone or broken changes nothing
		}
		now = ring.Text()
		err = errors.Join(st.Sessions.SetKeys(ring.Derive("session")), st.Sessions.SetGateKeys(ring.Derive("gate")),
			sign.devices.SetKeys(ring.Derive("device")), sign.lab.SetKeys(labKeys(ring)), sign.gate.SetKeys(ring.Derive("identity")))
		st.Log.InfoContext(ctx, "session keys changed", "keys", ring.Len(), "error", err)
	}
}

// labKeys returns the keys with which the lab signs and encrypts. They open
// nothing else.
func labKeys(r keyring.Ring) (sign, block []byte) {
	return r.Derive("lab")[0], r.Derive("lab-block")[0]
}

// sweep forgets what is too old to matter, until ctx ends.
func sweep(ctx context.Context, st *cli.Stores, slow *throttle.Store) {
	for every(ctx, time.Minute) {
		if err := errors.Join(slow.Sweep(ctx), st.Accounts.Sweep(ctx, st.Config.AuditKeep)); err != nil {
			st.Log.WarnContext(ctx, "sweeping", "error", err)
		}
	}
}

// every waits for the time and reports whether ctx still goes on.
func every(ctx context.Context, d time.Duration) bool {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
		return true
	}
}
