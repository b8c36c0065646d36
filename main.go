// Command glassjar is a sign-in server that you can see through. Only this file uses the
// process itself: arguments, environment, signals and exit code. It assembles the program.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"glassjar/handlers"
	"glassjar/static"
	"glassjar/templates"
	"glassjar/utl/cli"
	"glassjar/utl/config"
	"glassjar/utl/logs"
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
		Open: func(ctx context.Context, first bool) (*cli.Stores, error) {
			return p.open(ctx, first, func(format logs.Formatter) slog.Handler { return format(stderr) })
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

// open reads the settings and opens the stores, which log to the handler that to returns,
// and makes the session key if this may be the site's first start.
func (p *program) open(ctx context.Context, first bool, to func(logs.Formatter) slog.Handler) (*cli.Stores, error) {
	cfg, err := p.config()
	if err != nil {
		return nil, err
	}
	log := slog.New(to(logs.Format(cfg.LogFormat == "json", cfg.LogLevel)))
	return stores.Open(ctx, stores.Options{Config: cfg, Dotenv: dotenv, Log: log, Now: time.Now, MakeKey: first})
}

// serve serves requests until ctx ends, and then lets those in progress finish.
func (p *program) serve(ctx context.Context) error {
	queue := logs.New(p.stderr)
	defer queue.Close()
	st, err := p.open(ctx, true, queue.Handler)
	if err != nil {
		return err
	}
	defer func() { _ = st.DB.Close() }()
	manager := httpserver.ManagerOf(p.getenv, os.Getpid())
	ln, pair, err := httpserver.Listen(ctx, httpserver.Place{Addr: st.Config.Addr, TLSCert: st.Config.TLSCert, TLSKey: st.Config.TLSKey, Now: time.Now, Manager: manager})
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // if serving did not start
	public, err := st.Config.URLAt(ln.Addr())
	if err != nil {
		return err
	}
	st.Warn(ctx)
	pair.Warn(ctx, st.Log, public.Hostname())
	signers, err := st.Signers(public)
	if err = errors.Join(err, st.UseKeys(ctx), st.Apps.Load(ctx)); err != nil {
		return err
	}
	counts, shown, err := st.ServeMetrics(ctx, cli.Build(), queue.Dropped)
	c, noPages := handlers.ConfigOf(st, signers, public)
	if err = errors.Join(err, noPages); err != nil {
		return err
	}
	c.Recipe, c.Templates, c.Static, c.Metrics = cli.RecipeSite(st.Config), templates.FS, static.FS, counts
	site, err := handlers.New(c)
	if err != nil {
		return err
	}
	if err := cli.Greet(ctx, st, public, p.stdout); err != nil {
		return err
	}
	defer httpserver.TwoProcessors(p.getenv)()
	reloadCert := func(ctx context.Context) { pair.ReloadIfChanged(ctx, st.Log, public.Hostname()) }
	reloadKeys := func(ctx context.Context) { signers.ReloadKeys(ctx, dotenv) }
	looks := httpserver.Poll(500*time.Millisecond, p.hangups, st.Log, reloadKeys, reloadCert)
	jobs := append(st.Jobs(public), c.Tests.Run, shown, looks)
	return httpserver.Server{Site: site, Log: st.Log, Manager: manager, Ready: st.Sessions.Healthy, Jobs: jobs}.Run(ctx, ln)
}
