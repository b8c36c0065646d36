package cli_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// typed is the password that is good.
const typed = canary + " at the keyboard"

// dialogues are what somebody types at the terminal.
var dialogues = []struct {
	name, args string
	types      []string // one at each prompt
	code       int
	says       string
	signsIn    bool // carol, with what was typed
}{
	{"the same twice", "user add carol", []string{typed + "\n", typed + "\n"}, 0, "carol can sign in, as member", true},
	{"the flag makes no difference", "user add carol --password-stdin", []string{typed + "\n", typed + "\n"}, 0, "carol can sign in", true},
	{"two that differ", "user add carol", []string{typed + "\n", typed + "!\n"}, 1, "glassjar: the two passwords differ", false},
	{"too short", "user add carol", []string{canary + "\n", canary + "\n"}, 1, "glassjar: the password is too short", false},
	{"Enter alone", "user add carol", []string{"\n", "\n"}, 1, "glassjar: the password is too short", false},
	{"Ctrl-C", "user add carol", []string{typed + "\x03"}, 1, "glassjar: given up", false},
	{"Ctrl-C later", "user add carol", []string{typed + "\n", "\x03"}, 1, "glassjar: given up", false},
	{"a bad name is not asked for a password", "user add carol!", nil, 1, "glassjar: a username is", false},
	{"nor is an unknown one", "user password carol", nil, 1, "glassjar: there is no such account", false},
}

// A password is typed twice, on a real terminal that does not echo it.
func TestTerminal(t *testing.T) {
	for _, tt := range dialogues {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			dbtest.OpenAt(t, filepath.Join(folder, "glassjar.db"))
			tty := start(t, folder, strings.Fields(tt.args)...)
			for i, keys := range tt.types {
				tty.wait(t, []string{"new password: ", "once more: "}[i])
				tty.press(t, keys)
			}
			if got := tty.exit(t); got != tt.code || !strings.Contains(tty.text(), tt.says) {
				t.Errorf("got exit code %d, want %d and %q on the screen:\n%s", got, tt.code, tt.says, tty.text())
			}
			if said := strings.Contains(tty.text(), "A password has at least 15 characters: "); said != (len(tt.types) > 0) {
				t.Errorf("the rule is said before asking: %t\n%s", said, tty.text())
			}
			if got := strings.Count(tty.text(), ": \r\n"); got != len(tt.types) {
				t.Errorf("asked %d times, want %d:\n%s", got, len(tt.types), tty.text())
			}
			if strings.Contains(tty.text(), canary) {
				t.Errorf("the password is on the screen:\n%s", tty.text())
			}
			if !tty.echoed {
				t.Error("the terminal is left without echo")
			}
			data, err := db.Open(t.Context(), filepath.Join(folder, "glassjar.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer data.Close()
			if err := authenticate(data, "carol", typed); (err == nil) != tt.signsIn || err != nil && !errors.Is(err, account.ErrSignIn) {
				t.Errorf("signing in: got error %v, want one: %t", err, !tt.signsIn)
			}
		})
	}
}

// An app password is typed once, on a terminal that does not echo it.
func TestTerminalAppPassword(t *testing.T) {
	for typed, says := range map[string]string{canary: "glassjar: nothing was tested: ", "": "glassjar: no password was given"} {
		tty := start(t, t.TempDir(), "doctor", "http://127.0.0.1:1/", "--app-password-stdin")
		tty.wait(t, "app password: ")
		tty.press(t, typed+"\n")
		if got := tty.exit(t); got != 1 || !strings.Contains(tty.text(), says) || strings.Contains(tty.text(), canary) {
			t.Errorf("got exit code %d, want 1 and %q on the screen:\n%s", got, says, tty.text())
		}
	}
}

// terminal is a pseudo-terminal and the program that runs in it.
type terminal struct {
	ctrl, tty *os.File
	cmd       *exec.Cmd
	closed    chan struct{} // closed when the screen is complete
	echoed    bool          // whether echo was on after the program ended

	mu     sync.Mutex
	screen strings.Builder
}

// start starts the program in the folder, on a terminal of its own.
func start(t *testing.T, folder string, args ...string) *terminal {
	t.Helper()
	ctrl, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ctrl.Fd()), unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(int(ctrl.Fd()), unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	s := &terminal{ctrl: ctrl, tty: tty, closed: make(chan struct{}), cmd: exec.CommandContext(ctx, "glassjar", args...)}
	s.cmd.Dir, s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = folder, tty, tty, tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.closed)
		_, _ = ctrl.WriteTo(s) // returns when the terminal is closed
	}()
	t.Cleanup(func() {
		cancel()
		tty.Close()
		<-s.closed
		ctrl.Close()
	})
	return s
}

// Write adds the program's output to the screen.
func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.Write(p)
}

func (s *terminal) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// wait waits until the program shows the prompt and the terminal's echo is off.
func (s *terminal) wait(t *testing.T, prompt string) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for range 10_000 {
		if strings.Contains(s.text(), prompt) && !s.echoes(t) {
			return
		}
		<-look.C // polls: another process's clock cannot be faked
	}
	t.Fatalf("it does not ask %q without echo:\n%s", prompt, s.text())
}

func (s *terminal) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.ctrl.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// echoes reports whether the terminal echoes what is typed.
func (s *terminal) echoes(t *testing.T) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(s.ctrl.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&unix.ECHO != 0
}

// exit waits for the end of the program, and returns its exit code; then the screen is
// complete.
func (s *terminal) exit(t *testing.T) int {
	t.Helper()
	if _, ended := errors.AsType[*exec.ExitError](s.cmd.Wait()); !ended && !s.cmd.ProcessState.Success() {
		t.Fatal("the program did not end by itself")
	}
	s.echoed = s.echoes(t)
	s.tty.Close()
	<-s.closed
	return s.cmd.ProcessState.ExitCode()
}

// stdin need not end.
func TestEndlessStdin(t *testing.T) {
	zeros, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer zeros.Close()
	cmd := exec.CommandContext(t.Context(), "glassjar", "user", "add", "carol", "--password-stdin")
	cmd.Dir, cmd.Stdin = t.TempDir(), zeros
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "the password is too long") {
		t.Errorf("got error %v and %q, want that the password is too long", err, out)
	}
}
