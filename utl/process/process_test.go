package process

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"glassjar/utl/programtest"
)

// good and other are passwords that the policy accepts.
const (
	good  = "a jar of oat cookies"
	other = "a tin of rye crackers"
)

// binary is the built program.
var binary string

// TestMain builds the program as make run does.
func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "glassjar")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	if binary, err = programtest.Build(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// program is one start of the server in its folder.
type program struct {
	t        testing.TB
	folder   string
	pid      int
	stdout   *output
	stderr   *output
	ready    chan struct{} // closed when it has printed its URL, or has ended
	port     string        // set when ready is closed; empty: it has ended
	url      string        // set when ready is closed: PUBLIC_URL, as printed
	ended    chan struct{} // closed when the process has ended
	exitCode int           // set when ended is closed
	trace    string        // path of strace's output, if strace runs the server
}

// output is the output of a process.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts the server in the folder on a free port, with settings like NAME=value,
// and waits until it prints its URL. It is stopped at the end of the test.
func start(t testing.TB, folder string, settings ...string) *program {
	t.Helper()
	p := spawn(t, folder, settings...)
	p.serves()
	return p
}

// serves waits until the server prints its URL, and fails the test if it does not.
func (p *program) serves() {
	p.t.Helper()
	<-p.ready
	if p.port == "" {
		p.t.Fatalf("the server ended before it said where it is:\n%s", p.stderr)
	}
}

// spawn starts the server without waiting.
func spawn(t testing.TB, folder string, settings ...string) *program {
	t.Helper()
	return spawnUnder(t, nil, folder, settings...)
}

// spawnUnder is spawn with words before the command that run it, such as strace.
func spawnUnder(t testing.TB, front []string, folder string, settings ...string) *program {
	t.Helper()
	return spawnWith(t, front, nil, folder, settings...)
}

// spawnWith is spawnUnder with open files for the server, from file descriptor 3 on.
func spawnWith(t testing.TB, front []string, open []*os.File, folder string, settings ...string) *program {
	t.Helper()
	return spawnCommand(t, append(slices.Clone(front), binary), open, folder, settings...)
}

// spawnCommand starts the server with the command.
func spawnCommand(t testing.TB, args []string, open []*os.File, folder string, settings ...string) *program {
	t.Helper()
	p := &program{
		t: t, folder: folder, stdout: new(output), stderr: new(output),
		ready: make(chan struct{}), ended: make(chan struct{}),
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles = folder, environment(settings), open
	stdout, out := p.pipe()
	stderr, complaints := p.pipe()
	cmd.Stdout, cmd.Stderr = out, complaints
	if err := errors.Join(cmd.Start(), out.Close(), complaints.Close()); err != nil { // the process has copies
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	var read sync.WaitGroup
	read.Go(func() { p.hear(io.TeeReader(stdout, p.stdout)) })
	read.Go(func() { _, _ = io.Copy(p.stderr, stderr) })
	go func() {
		_ = cmd.Wait() // the exit code is read below
		p.exitCode = cmd.ProcessState.ExitCode()
		if len(args) == 1 { // else its child may outlive it and keep the pipes open
			read.Wait()
		}
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// pipe makes a pipe to whose other end the process writes. It is not one of package exec,
// because Wait would wait for every process that has that end open.
func (p *program) pipe() (read, write *os.File) {
	p.t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	return read, write
}

// hear reads the server's URL, and then the rest.
func (p *program) hear(from io.Reader) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if u, ok := strings.CutPrefix(lines.Text(), "glassjar is at "); ok {
			p.url = u
			p.port = u[strings.LastIndexByte(u, ':')+1:]
			close(p.ready)
		}
	}
	if p.port == "" {
		close(p.ready)
	}
}

// environment is the settings, without the test's own environment.
func environment(settings []string) []string {
	return append([]string{"ADDR=127.0.0.1:0", "LOG_LEVEL=warn"}, settings...)
}

// firstLink waits until the first owner's link is printed and returns its path.
func (p *program) firstLink() string {
	p.t.Helper()
	link := p.printed()
	if link == "" {
		p.t.Fatal("another start made the first owner's link")
	}
	return link
}

// printed waits until the first owner's link is printed and returns its path, or "" if
// the program prints that another start created it.
func (p *program) printed() (link string) {
	p.t.Helper()
	p.eventually("the first owner's link is printed", func() (printed bool) {
		_, after, _ := strings.Cut(p.stdout.String(), "within 24 hours at "+p.url)
		link, printed = strings.CutSuffix(after, "\n")
		return printed || strings.Contains(p.stdout.String(), "link join --role owner makes one more\n")
	})
	return link
}

// newestLink returns the valid first owner's link of programs that started one after the
// other.
func newestLink(all ...*program) (link string) {
	for _, p := range all {
		link = cmp.Or(p.printed(), link)
	}
	return link
}

// kill kills the process (SIGKILL) and waits for its end.
func (p *program) kill() {
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	<-p.ended
}

// stop asks the server to stop, which must succeed.
func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.wait(0)
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.pid, s); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end of the process, with the exit code.
func (p *program) wait(code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		p.t.Fatal("the server did not end within 15 s")
	}
	if p.exitCode != code {
		p.t.Fatalf("exit code %d, want %d:\n%s", p.exitCode, code, p.stderr)
	}
}

// eventually polls until is returns true, for at most 20 s, and returns how long it took.
func (p *program) eventually(what string, is func() bool) time.Duration {
	p.t.Helper()
	return p.within(20*time.Second, what, is)
}

func (p *program) within(limit time.Duration, what string, is func() bool) time.Duration {
	p.t.Helper()
	began := time.Now()
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for !is() {
		if time.Since(began) > limit {
			p.t.Fatalf("not within %v: %s\n%s", limit, what, p.stderr)
		}
		<-pace.C
	}
	return time.Since(began)
}
