package cli_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"glassjar/utl/account"
	"glassjar/utl/cli"
	"glassjar/utl/config"
	"glassjar/utl/db"
	"glassjar/utl/keyring"
	"glassjar/utl/password"
	"glassjar/utl/programtest"
	"glassjar/utl/session"
	"glassjar/utl/tlscert/certtest"
)

// canary is part of every password in these tests. No output may contain it.
const canary = "Canary"

// TestMain builds the real program and puts it first in PATH.
func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	bin, err := os.MkdirTemp("", "glassjar")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	_, err = programtest.Build(bin)
	if err = errors.Join(err, os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Each script runs the real program in an empty folder.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"glassjar": glassjar,
			"misused":  misused,
			"atonce":   atOnce,
			"text":     text,
			"sql":      query,
			"signin":   signIn,
			"cert":     certificate,
		},
	})
}

// glassjar runs the program, which must exit with 0, or after "!" with 1.
func glassjar(ts *testscript.TestScript, neg bool, args []string) {
	want := 0
	if neg {
		want = 1
	}
	exits(ts, want, args)
}

// misused runs the program, which must exit with 2.
func misused(ts *testscript.TestScript, _ bool, args []string) { exits(ts, 2, args) }

func exits(ts *testscript.TestScript, want int, args []string) {
	err := ts.Exec("glassjar", args...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if want != 0 && (stdout != "" || !strings.Contains("\n"+stderr, "\nglassjar: ")) {
		ts.Fatalf("a failure belongs on stderr, and there alone")
	}
	if strings.Contains(stdout+stderr, canary) { // Attack secrets/canaries: canaries
		ts.Fatalf("a password is in the output")
	}
}

// atOnce runs the command in n processes at once, with the process's number in place of %d
// and a password on stdin; each must exit with 0.
func atOnce(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath("glassjar")
	ts.Check(err)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			words := strings.ReplaceAll(strings.Join(args[1:], " "), "%d", strconv.Itoa(i))
			cmd := exec.Command(path, strings.Fields(words)...)
			cmd.Dir, cmd.Stdin = ts.MkAbs("."), strings.NewReader(canary+" correct horse")
			out, err := cmd.CombinedOutput()
			if err != nil {
				errs[i] = fmt.Errorf("process %d: %w: %s", i, err, out)
			}
		})
	}
	all.Wait()
	ts.Check(errors.Join(errs...))
}

// text writes a file from a text with Go's escape sequences, repeated if a number follows.
func text(ts *testscript.TestScript, _ bool, args []string) {
	s, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		s = strings.Repeat(s, n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(s), 0o600))
}

// query runs a statement on the database. If a second argument follows, the returned column
// must have these words.
func query(ts *testscript.TestScript, _ bool, args []string) {
	pool, err := sql.Open("sqlite", ts.MkAbs("glassjar.db"))
	ts.Check(err)
	defer pool.Close()
	rows, err := pool.Query(args[0])
	ts.Check(err)
	defer rows.Close()
	got := []string{}
	for rows.Next() {
		var s string
		ts.Check(rows.Scan(&s))
		got = append(got, s)
	}
	ts.Check(rows.Err())
	if len(args) > 1 && strings.Join(got, " ") != args[1] {
		ts.Fatalf("got %q, want %q", strings.Join(got, " "), args[1])
	}
}

// signIn signs the account in with the password in a file, without its last newline; after
// "!" it must be refused.
func signIn(ts *testscript.TestScript, neg bool, args []string) {
	data, err := db.Open(context.Background(), ts.MkAbs("glassjar.db"))
	ts.Check(err)
	defer data.Close()
	err = authenticate(data, args[0], strings.TrimSuffix(ts.ReadFile(args[1]), "\n"))
	if neg != errors.Is(err, account.ErrSignIn) || !neg && err != nil {
		ts.Fatalf("signing in: got error %v", err)
	}
}

// certificate writes a certificate for localhost, and its key, into the two files.
func certificate(ts *testscript.TestScript, _ bool, args []string) {
	_, err := certtest.Make(ts.MkAbs(args[0]), ts.MkAbs(args[1]))
	ts.Check(err)
}

func authenticate(data *db.DB, name, pw string) error {
	ring, err := keyring.New()
	if err != nil {
		return err
	}
	sessions, err := session.New(session.Options{DB: data, Keys: ring.Derive("session"), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	accounts := account.New(account.Options{
		DB: data, Sessions: sessions, Hasher: password.NewHasher(password.Recommended(), 1, 1), Now: time.Now,
	})
	_, err = accounts.Authenticate(context.Background(), name, pw)
	return err
}

// A command whose output cannot be written fails, without a word if the reader has gone.
func TestBrokenStdout(t *testing.T) {
	ring, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	fromEnv := func() (config.Config, error) {
		return config.Config{SessionKeys: ring.Text(), KeysFromEnv: true}, nil
	}
	read, gone, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	read.Close()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range []string{"version", "help", "--help", "user --help", "keys list", "keys rotate", "keys prune"} {
		for to, want := range map[*os.File]bool{gone: false, full: true} {
			var stderr bytes.Buffer
			got := cli.Run(t.Context(), strings.Fields(args), cli.Env{Stdout: to, Stderr: &stderr, Config: fromEnv})
			if got != 1 || strings.Contains(stderr.String(), "glassjar: ") != want || strings.Contains(stderr.String(), "writing the answer: ") != want {
				t.Errorf("%s into %s: got exit code %d and %q, want 1 and the fault of writing: %t", args, to.Name(), got, stderr.String(), want)
			}
		}
	}
}

// The commands' README names every command.
func TestReadmeHasEveryCommand(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if code := cli.Run(t.Context(), []string{"help"}, cli.Env{Stdout: &help, Stderr: io.Discard}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	commands := regexp.MustCompile(`(?m)^  ([a-z-]+(?: [a-z-]+)?)(?:  |$)`).FindAllStringSubmatch(help.String(), -1)
	if len(commands) < 30 {
		t.Errorf("the help lists %d commands alone", len(commands))
	}
	for _, c := range commands {
		if !slices.ContainsFunc(strings.Split(string(readme), "\n"), func(row string) bool { return hasCommand(row, c[1]) }) {
			t.Errorf("utl/cli/README.md has no row with the command %q", c[1])
		}
	}
}

// hasCommand reports whether the row has each word of the command between backticks.
func hasCommand(row, command string) bool {
	code := strings.Join(regexp.MustCompile("`[^`]*`").FindAllString(row, -1), " ")
	words := strings.Fields(strings.ReplaceAll(code, "`", " "))
	return !slices.ContainsFunc(strings.Fields(command), func(word string) bool { return !slices.Contains(words, word) })
}

// Without a command the program serves, and reports Serve's error.
func TestServe(t *testing.T) {
	for _, tt := range []struct {
		serve error
		code  int
		said  string
	}{
		{nil, 0, ""},
		{errors.New("listening: no"), 1, "glassjar: listening: no\n"},
		{errors.Join(errors.New("one"), errors.New("two")), 1, "glassjar: one\nglassjar: two\n"},
	} {
		var stderr bytes.Buffer
		serve := func(context.Context) error { return tt.serve }
		got := cli.Run(t.Context(), nil, cli.Env{Stdout: io.Discard, Stderr: &stderr, Serve: serve})
		if got != tt.code || stderr.String() != tt.said {
			t.Errorf("%v: got exit code %d and %q, want %d and %q", tt.serve, got, stderr.String(), tt.code, tt.said)
		}
	}
}
