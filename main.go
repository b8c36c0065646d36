// Command glassjar is a sign-in server that you can see through. Only this file uses the
// process itself: arguments, environment, signals and exit code. It assembles the program.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"glassjar/handlers"
	"glassjar/static"
	"glassjar/templates"
	"glassjar/utl/app"
	"glassjar/utl/cli"
	"glassjar/utl/config"
	"glassjar/utl/doctor"
	"glassjar/utl/logs"
	"glassjar/utl/metrics"
	httpserver "glassjar/utl/server"
	"glassjar/utl/stores"
)

const dotenv = ".env" // the file with the settings, in the working folder

func main() {
	signal.Ignore(syscall.SIGPIPE) // a closed log pipe must not end the server
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the command that args name, or serves until ctx ends. It returns the exit code: 0,
// 1 after an error, or 2 for wrong usage.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	p := &program{getenv: getenv, stdout: stdout, stderr: stderr, hangups: make(chan os.Signal, 1)}
	signal.Notify(p.hangups, syscall.SIGHUP) // never stopped: SIGHUP must not end a command either
	return cli.Run(ctx, args, cli.Env{
		Stdin: os.Stdin, Stdout: stdout, Stderr: stderr, Dotenv: dotenv, Serve: p.serve, Now: time.Now,
		Config: p.config,
		Open: func(ctx context.Context) (*cli.Stores, error) {
			return p.open(ctx, func(format logs.Formatter) slog.Handler { return format(stderr) })
		},
	})
}

type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	hangups        chan os.Signal
}

// config reads the settings.
func (p *program) config() (config.Config, error) {
	return config.Load(dotenv, p.getenv, os.Environ()...)
}

// open reads the settings and opens the stores, which log to the handler that to returns.
func (p *program) open(ctx context.Context, to func(logs.Formatter) slog.Handler) (*cli.Stores, error) {
	cfg, err := p.config()
	if err != nil {
		return nil, err
	}
	log := slog.New(to(logs.Format(cfg.LogFormat == "json", cfg.LogLevel)))
	return stores.Open(ctx, stores.Options{Config: cfg, Dotenv: dotenv, Log: log, Now: time.Now})
}

// serve serves requests until ctx ends, and then lets those in progress finish.
func (p *program) serve(ctx context.Context) error {
	queue := logs.New(p.stderr)
	defer queue.Close()
	st, err := p.open(ctx, queue.Handler)
	if err != nil {
		return err
	}
	defer func() { _ = st.DB.Close() }()
	manager, err := httpserver.ManagerOf(p.getenv, os.Getpid())
	if err != nil {
		return err
	}
	ln, pair, err := httpserver.Listen(ctx, httpserver.Place{Addr: st.Config.Addr, TLSCert: st.Config.TLSCert, TLSKey: st.Config.TLSKey, Manager: manager})
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // if serving did not start
	public, err := st.Config.URLAt(ln.Addr())
	if err != nil {
		return err
	}
	st.Warn(ctx)
	signers, err := st.Signers(public)
	if err = errors.Join(err, st.UseKeys(ctx), st.Apps.Load(ctx)); err != nil {
		return err
	}
	counts, shown, err := measure(ctx, st, queue)
	if err != nil {
		return err
	}
	site, tests, err := newSite(st, signers, counts, public)
	if err != nil {
		return err
	}
	if err := cli.Greet(ctx, st, public, p.stdout); err != nil {
		return err
	}
	defer p.twoProcessors()()
	reloadCert := func(ctx context.Context) { pair.ReloadIfChanged(ctx, st.Log) }
	reloadKeys := func(ctx context.Context) { signers.ReloadKeys(ctx, dotenv) }
	looks := httpserver.Poll(500*time.Millisecond, p.hangups, st.Log, reloadKeys, reloadCert)
	return httpserver.Server{
		Site: site, Log: st.Log, Manager: manager, Ready: st.Sessions.Healthy, Jobs: append(jobs(st, public), tests, shown, looks),
	}.Run(ctx, ln)
}

// jobs are the background jobs for the stores.
func jobs(st *cli.Stores, public *url.URL) []httpserver.Job {
	return []httpserver.Job{
		st.Sessions.Run,
		st.Apps.Run,
		func(ctx context.Context) { st.DB.Run(ctx, st.Log) },
		httpserver.Every(time.Minute, st.Sweep),
		st.Sender(public).Run,
	}
}

// twoProcessors sets GOMAXPROCS to at least 2, unless it is set in the environment: with 1,
// hashing a password delays every request by 40 ms.
func (p *program) twoProcessors() (back func()) {
	was := runtime.GOMAXPROCS(0)
	if was == 1 && p.getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2)
	}
	return func() { runtime.GOMAXPROCS(was) }
}

// measure returns the metrics, and the job that serves them at METRICS_ADDR.
func measure(ctx context.Context, st *cli.Stores, queue *logs.Queue) (*metrics.Metrics, httpserver.Job, error) {
	if st.Config.MetricsAddr == "" {
		return nil, func(context.Context) {}, nil
	}
	m := metrics.New(cli.Build(), time.Now)
	st.Measure(m, queue.Dropped)
	job, err := httpserver.Beside(ctx, st.Config.MetricsAddr, m.Handler(st.Config.Profiles()), st.Log)
	return m, job, err
}

// newSite returns the site's handler, and the job that tests apps.
func newSite(st *cli.Stores, signers *stores.Signers, counts *metrics.Metrics, public *url.URL) (http.Handler, httpserver.Job, error) {
	pages, err := st.Pages()
	if err != nil {
		return nil, nil, err
	}
	tests := doctor.NewRunner(doctor.Options{Most: app.MaxApps, Now: st.Accounts.Now})
	site, err := handlers.New(handlers.Config{
		Accounts: st.Accounts, Sessions: st.Sessions, Throttle: st.Throttle, Devices: signers.Devices, Lab: signers.Lab, Gate: signers.Gate, Passkeys: signers.Passkeys, Factors: st.Factors, Apps: st.Apps, Tests: tests, Recipe: cli.RecipeSite(st.Config),
		Pages: pages, PublicURL: public, AnyLoopback: st.Config.PublicURL == nil, TrustedProxies: st.Config.TrustedProxies,
		SignUp: st.Config.SignUp, SecondFactor: st.Config.SecondFactor == "required", Strangers: st.OpenToStrangers, SiteName: st.Config.SiteName, Templates: templates.FS, Static: static.FS, Log: st.Log, Metrics: counts, Now: st.Accounts.Now,
	})
	return site, tests.Run, err
}
