package keyring_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"glassjar/utl/keyring"
)

// TestMain runs the tests. In a process that a test started with KEYRING_CHILD set, it
// works on the file KEYRING_PATH until it is done or killed instead.
func TestMain(m *testing.M) {
	children := map[string]func(path string) error{"ensure": childEnsure, "make": childMake, "rotate": childRotate}
	child, ok := children[os.Getenv("KEYRING_CHILD")]
	if !ok {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv("KEYRING_PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childEnsure waits until its input ends, then calls Ensure and prints the ring.
func childEnsure(path string) error {
	_, _ = io.Copy(io.Discard, os.Stdin)
	ring, err := keyring.Ensure(path)
	fmt.Print(ring.Text())
	return err
}

// childMake calls Ensure in one folder after the other, of which every second has a .env
// already, and prints a dot for each.
func childMake(path string) error {
	for i := 0; ; i++ {
		file := filepath.Join(path, strconv.Itoa(i), ".env")
		err := os.Mkdir(filepath.Dir(file), 0o700)
		if i%2 == 0 {
			err = errors.Join(err, os.WriteFile(file+"-", []byte(lines), 0o600), os.Rename(file+"-", file))
		}
		if _, ensureErr := keyring.Ensure(file); err != nil || ensureErr != nil {
			return errors.Join(err, ensureErr)
		}
		fmt.Print(".")
	}
}

// childRotate rotates the keys of the file again and again, prunes them every fifth
// time, and prints a dot each time.
func childRotate(path string) error {
	for i := 0; ; i++ {
		change := keyring.RotateFile
		if i%5 == 4 {
			change = keyring.PruneFile
		}
		if _, err := change(path); err != nil {
			return err
		}
		fmt.Print(".")
	}
}

const lines = "A=1\n# note\nSESSION_KEYS=\nB='two\nlines'\nC=3"

// start returns a command that runs this test program as the child what, and the buffer
// for its standard error.
func start(t *testing.T, what, path string) (child *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	child = exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "KEYRING_CHILD="+what, "KEYRING_PATH="+path)
	stderr = new(bytes.Buffer)
	child.Stderr = stderr
	return child, stderr
}

// Attack keys/first-start: ten processes that start for the first time at once get one key.
func TestTenProcessesAtOnce(t *testing.T) {
	for _, text := range []string{"", lines} {
		path := filepath.Join(t.TempDir(), ".env")
		if text != "" {
			path = writeEnv(t, text)
		}
		gun, trigger, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		children := make([]*exec.Cmd, 10)
		outs := make([]*bytes.Buffer, len(children))
		errs := make([]*bytes.Buffer, len(children))
		for i := range children {
			children[i], errs[i] = start(t, "ensure", path)
			outs[i] = new(bytes.Buffer)
			children[i].Stdin, children[i].Stdout = gun, outs[i]
			if err := children[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(gun.Close(), trigger.Close()); err != nil { // go
			t.Fatal(err)
		}
		for i, child := range children {
			if err := child.Wait(); err != nil {
				t.Fatalf("%v: %s", err, errs[i])
			}
		}
		ring, err := keyring.Read(path)
		if err != nil || ring.Len() != 1 {
			t.Fatalf("got %v, error %v; want a ring of one key", ring, err)
		}
		for i, out := range outs {
			if out.String() != ring.Text() {
				t.Errorf("process %d got another key than the file holds", i+1)
			}
		}
		wantNoOtherFile(t, path)
	}
}

// killed starts a child and kills it with SIGKILL at a random moment after it has printed
// some dots.
func killed(t *testing.T, what, path string) {
	t.Helper()
	child, stderr := start(t, what, path)
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	_, readErr := io.ReadFull(pipe, make([]byte, 1+rand.IntN(20)))
	for range rand.IntN(2000) { // a random short time
		runtime.Gosched()
	}
	if err := child.Process.Kill(); err != nil || readErr != nil {
		t.Fatalf("%v, %v: %s", err, readErr, stderr)
	}
	_ = child.Wait() // the error says that it was killed
}

// Attack keys/first-start: a process that is killed while it makes the key never leaves a
// part of a key.
func TestKilledWhileMaking(t *testing.T) {
	for range 15 {
		path := t.TempDir()
		killed(t, "make", path)
		folders, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range folders {
			file := filepath.Join(path, strconv.Itoa(i), ".env")
			want := []string{lines, "SESSION_KEYS=\n"}[i%2]
			ring, err := keyring.Read(file)
			last := i == len(folders)-1 // where the child was killed
			if last && errors.Is(err, keyring.ErrNoKeys) && (errors.Is(err, fs.ErrNotExist) || readEnv(t, file) == want) {
				continue
			}
			if err != nil || ring.Len() != 1 || ring.SelfTest() != nil {
				t.Fatalf("file %d of %d: got %v, error %v", i, len(folders), ring, err)
			}
			wantFile(t, file, ring, 1, strings.Replace(want, "SESSION_KEYS=", "SESSION_KEYS=KEYS", 1))
		}
	}
}

// Attack keys/first-start: a process that is killed while the keys change leaves the old ring
// or the new one.
func TestKilledWhileRotating(t *testing.T) {
	path := writeEnv(t, lines)
	if _, err := keyring.Ensure(path); err != nil {
		t.Fatal(err)
	}
	for range 15 {
		killed(t, "rotate", path)
		ring, err := keyring.Read(path)
		if err != nil || ring.Len() == 0 || ring.SelfTest() != nil {
			t.Fatalf("got %v, error %v", ring, err)
		}
		wantFile(t, path, ring, ring.Len(), strings.Replace(lines, "SESSION_KEYS=", "SESSION_KEYS=KEYS", 1))
	}
	if _, err := keyring.RotateFile(path); err != nil {
		t.Fatal(err)
	}
	wantNoOtherFile(t, path)
}
