package process

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"glassjar/utl/tooltest"
)

// traced starts the server under strace with these arguments. Without strace it skips the
// test; CI must have it.
func traced(t *testing.T, folder string, args ...string) *program {
	t.Helper()
	tooltest.Need(t, "strace")
	record := filepath.Join(t.TempDir(), "trace")
	p := spawnUnder(t, append([]string{"strace", "-f", "-y", "-s", "30", "-o", record}, args...), folder)
	p.trace = record
	p.serves()
	server := 0
	p.within(5*time.Second, "the trace begins with the server's pid", func() bool {
		pid, _, _ := strings.Cut(p.traceText(), " ")
		server, _ = strconv.Atoi(pid)
		return server > 0
	})
	t.Cleanup(func() { // kills the server, with which strace ends; killing strace would leave the server running
		_ = syscall.Kill(server, syscall.SIGKILL)
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
		}
	})
	return p
}

// traceText returns strace's output so far.
func (p *program) traceText() string {
	p.t.Helper()
	text, err := os.ReadFile(p.trace)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// Attack fault/fsync: the change is on disk before the response is sent.
func TestSyncBeforeAnswer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	start(t, folder).owner("ada")
	p := traced(t, folder, "-e", "trace=read,write,pwrite64,fsync,fdatasync")
	ada := newBrowser(p)
	ada.signIn(t, "ada", good, http.StatusSeeOther)
	ada.post(t, "/account/password", url.Values{"current": {good}, "password": {other}}, http.StatusSeeOther)
	ada.post(t, "/logout", url.Values{}, http.StatusSeeOther)
	for _, path := range []string{"/auth", "/account/password", "/logout"} {
		var calls []string
		p.within(5*time.Second, "the trace has the answer to "+path, func() bool {
			calls = answering(p.traceText(), path)
			return calls != nil
		})
		written, synced := false, false
		for _, call := range calls { // with only one request, one thread at a time works for it
			switch {
			case logWrite.MatchString(call):
				written, synced = true, false
			case logSync.MatchString(call):
				synced = true
			}
		}
		if !written || !synced {
			t.Errorf("POST %s: answered with the log written: %v, and synced after that: %v\n%s",
				path, written, synced, strings.Join(calls, "\n"))
		}
	}
}

// SQLite's write-ahead log, as strace -y names it. The second one ended well,
// and when strace saw it begin in another line than end, says less.
var (
	logWrite = regexp.MustCompile(`pwrite64\(\d+<[^>]*-wal>`)
	logSync  = regexp.MustCompile(`(f(data)?sync\(\d+<[^>]*-wal>\)|<\.\.\. f(data)?sync resumed>\)) += 0`)
)

// answering returns the calls between the reading of the POST to the path and the writing
// of its response, or nil if there is no response yet.
func answering(trace, path string) []string {
	var calls []string
	for line := range strings.Lines(trace) {
		switch {
		case strings.Contains(line, `OST `+path+` `): // net/http may have read the P by itself
			calls = []string{}
		case calls != nil && strings.Contains(line, `, "HTTP/1.1 `):
			return calls
		case calls != nil:
			calls = append(calls, strings.TrimSpace(line))
		}
	}
	return nil
}
