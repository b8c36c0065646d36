// Package cli implements glassjar's commands. Stdout gets the result of a command and
// nothing else; messages for people go to stderr. It never accepts a password as an
// argument, and never prints one.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"glassjar/utl/config"
	"glassjar/utl/db"
	"glassjar/utl/metrics"
	"glassjar/utl/recipe"
	"glassjar/utl/stores"
)

// Env is the environment of the commands.
type Env struct {
	Stdin          *os.File // passwords are read from it
	Stdout, Stderr io.Writer
	Dotenv         string                          // path of the .env file
	Config         func() (config.Config, error)   // reads the settings
	Serve          func(ctx context.Context) error // serves requests until ctx ends

	// Open opens the stores, and creates the database and, if first is true, the session key
	// where they are missing. The command closes DB.
	Open func(ctx context.Context, first bool) (*Stores, error)

	Now func() time.Time
}

// Stores are the open stores.
type Stores = stores.Stores

// grammar has every command, for kong. Settings are not flags.
type grammar struct {
	Serve   serveCommand    `cmd:"" help:"Answer requests, as without a command."`
	User    userCommands    `cmd:"" help:"Change who has an account."`
	Link    linkCommands    `cmd:"" help:"Make a link that works once, or withdraw one."`
	Session sessionCommands `cmd:"" help:"See where somebody is signed in, and sign them out."`
	Audit   auditCommand    `cmd:"" help:"Print what happened, newest first: when, what, to whom, by whom, from where."`
	App     appCommands     `cmd:"" help:"Say which apps are behind the gate, and who may open them."`
	Keys    keysCommands    `cmd:"" help:"Change the session keys."`
	Backup  backupCommand   `cmd:"" help:"Copy the database into a new file, also while a server runs."`
	Move    moveCommand     `cmd:"" help:"Copy everything into another, empty database, from SQLite to PostgreSQL or back."`
	Mail    mailCommands    `cmd:"" help:"Try the mail server."`
	Recipe  recipeCommand   `cmd:"" help:"Print the configuration of a reverse proxy that asks the gate, or of what starts glassjar."`
	Explain explainCommand  `cmd:"" help:"Say what the gate would answer, and why."`
	Doctor  doctorCommand   `cmd:"" help:"Attack a page behind the gate from outside, through its proxy, and say what gets through."`
	Check   checkCommand    `cmd:"" help:"Say what is right and wrong with the database, the owners, the keys and the settings, or with a backup."`
	Health  healthCommand   `cmd:"" help:"Ask the server of these settings whether it is ready: exit code 0 or 1."`
	Version versionCommand  `cmd:"" help:"Show which glassjar this is."`
	Help    helpCommand     `cmd:"" help:"Show how a command is used."`
}

const description = `A sign-in server that you can see through. Without a command it serves. ` +
	`Settings come from the environment and from .env.`

// app has what all commands use.
type app struct{ Env }

// Run runs the command that args name, or serves if args are empty. It returns the exit
// code: 0, 1 after an error, or 2 for wrong usage.
func Run(ctx context.Context, args []string, e Env) int {
	out := &output{to: e.Stdout}
	e.Stdout = out
	err := (&app{e}).run(ctx, args)
	switch {
	case errors.Is(out.err, syscall.EPIPE) && (err == nil || errors.Is(err, syscall.EPIPE)):
		return 1 // who read the output has gone, as head does: nobody asks why
	case out.err != nil && !errors.Is(out.err, syscall.EPIPE):
		err = fmt.Errorf("writing the answer: %w", out.err)
	}
	return report(e.Stderr, err)
}

func (a *app) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return a.Serve(ctx)
	}
	if len(args) == 1 && slices.Contains([]string{"--version", "-version", "-v", "-V"}, args[0]) {
		args = []string{"version"}
	}
	helped := false // kong continues after it has printed help
	k, err := kong.New(&grammar{}, kong.Name("glassjar"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Writers(a.Stdout, a.Stderr),
		kong.Vars{"recipes": recipe.Names}, kong.Exit(func(int) { helped = true }), kong.Bind(a), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return fmt.Errorf("building the commands: %w", err)
	}
	command, err := k.Parse(args)
	if err == nil && !helped {
		err = command.Run()
	}
	if helped {
		return nil
	}
	return err
}

// info prints a message for people on stderr.
func (a *app) info(format string, args ...any) {
	fmt.Fprintf(a.Stderr, format+"\n", args...)
}

// output is stdout. It remembers the first error, which Run reports: a command whose
// output was not written has failed.
type output struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

type serveCommand struct{}

// Run serves until ctx ends.
func (serveCommand) Run(ctx context.Context, a *app) error { return a.Serve(ctx) }

type versionCommand struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

type versionLine struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Tables   int64  `json:"tables"` // the newest version of the tables that this program knows
}

// Run prints the program's version, its revision if known, and the version of Go.
func (c versionCommand) Run(a *app) error {
	b := Build()
	if c.JSON {
		tables, err := db.Known()
		if err != nil {
			return err
		}
		return listing{JSON: true}.print(a, []row{{value: versionLine{b.Version, b.Revision, b.Go, tables}}})
	}
	revision := ""
	if b.Revision != "" {
		revision = " revision " + b.Revision
	}
	fmt.Fprintf(a.Stdout, "glassjar %s%s %s\n", b.Version, revision, b.Go)
	return nil
}

// Build returns the version of this program, as far as it is known.
func Build() metrics.Build {
	b := metrics.Build{Version: "(unknown)", Go: "go (unknown)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Go = info.GoVersion
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command, such as user add."`
}

// Run prints the help of the command.
func (c *helpCommand) Run(k *kong.Kong) error {
	_, err := k.Parse(append(c.Command, "--help"))
	return err
}
