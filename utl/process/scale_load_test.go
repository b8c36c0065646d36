package process

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"glassjar/utl/tooltest"
)

var (
	turn   = flag.Int("turn", 1, "how many seconds a turn of the scale lasts")
	rounds = flag.Int("rounds", 7, "how many turns each server has on the scale, twice, beside one to warm up")
)

// once skips the benchmark after its first run, and if wrk is missing; CI must have it.
func once(b *testing.B) {
	b.Helper()
	if b.N > 1 {
		b.Skip("once is enough")
	}
	tooltest.Need(b, "wrk")
}

// What each turn measures.
const (
	cpu = iota
	rate
	median
	slowest
	memory
)

var measures = [...]struct {
	title, unit string
	digits      int
}{
	{"CPU µs a request", "cpu", 1},
	{"requests/s", "rps", 0},
	{"p50 ms", "p50", 2},
	{"p99 ms", "p99", 2},
	{"memory MB", "memory", 1},
}

type figures [len(measures)]float64

// side is a server, and the script for wrk with the requests to it.
type side struct {
	*program
	script string
}

// results are the measurements of both sides, by round.
type results []struct{ ours, bare figures }

// compare loads both in turn and measures them. Every response must have the status,
// because a refusal must not be measured in place of the real response.
func compare(ours, bare side, status int) (all results) {
	for range *rounds + 1 {
		r := struct{ ours, bare figures }{ours.turn(status), bare.turn(status)}
		r.ours[cpu], r.bare[cpu] = weigh(ours, bare, status)
		all = append(all, r)
	}
	return all[1:] // the first round is a warm-up
}

// slice is how long one of two loads runs before the other does.
const slice = 100 * time.Millisecond

// weigh returns the cost of a request to each of the two. Their loads run in alternating
// slices, so that both get the same conditions: the machine's speed changes from one
// second to the next.
func weigh(ours, bare side, status int) (a, b float64) {
	ours.t.Helper()
	loads := []*load{ours.load(2 * *turn), bare.load(2 * *turn)}
	each := func(sig syscall.Signal) {
		for _, l := range loads {
			l.signal(sig)
		}
	}
	each(syscall.SIGSTOP)
	for range time.Duration(*turn) * time.Second / slice {
		for _, l := range loads {
			l.signal(syscall.SIGCONT)
			<-time.After(slice)
			l.signal(syscall.SIGSTOP)
		}
	}
	each(syscall.SIGCONT)
	return loads[0].end(status)[cpu], loads[1].end(status)[cpu]
}

// ours returns the median of our measurements.
func (all results) ours(measure int) float64 {
	var values []float64
	for _, r := range all {
		values = append(values, r.ours[measure])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// ratio returns the median of the rounds' ratios, the lowest and the highest.
func (all results) ratio(measure int) (middle, least, most float64) {
	var values []float64
	for _, r := range all {
		values = append(values, r.ours[measure]/r.bare[measure])
	}
	slices.Sort(values)
	return values[len(values)/2], values[0], values[len(values)-1]
}

// lua makes wrk send the requests one after another, and print what Sscan parses.
const lua = `local requests, n = { %s }, 0
function request() n = n %% #requests + 1; return requests[n] end
function done(all, latency)
	local e = all.errors
	print(string.format("\n%%d %%d %%d %%d %%d %%d", all.requests, all.duration, latency:percentile(50), latency:percentile(99),
		e.status, e.connect + e.read + e.write + e.timeout))
end
`

// script writes a file that makes wrk send the requests again and again.
func script(b *testing.B, requests ...string) string {
	b.Helper()
	var quoted []string
	for _, r := range requests {
		quoted = append(quoted, strconv.Quote(r))
	}
	path := filepath.Join(b.TempDir(), "load.lua")
	if err := os.WriteFile(path, fmt.Appendf(nil, lua, strings.Join(quoted, ", ")), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// turn loads the server for the duration of a turn.
func (s side) turn(status int) figures {
	s.t.Helper()
	return s.load(*turn).end(status)
}

// load is a running load.
type load struct {
	side

	wrk    *exec.Cmd
	out    bytes.Buffer
	before time.Duration // CPU time that the server had used
	stop   context.CancelFunc
}

// load starts a load on the server for this many seconds.
func (s side) load(seconds int) *load {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second+time.Minute)
	_, args := cores()
	args = append([]string{"setpriv", "--pdeathsig", "KILL"}, args...)
	args = append(args, "wrk", "-t1", "-c16", fmt.Sprintf("-d%ds", seconds), "-s", s.script, "http://127.0.0.1:"+s.port)
	l := &load{side: s, wrk: exec.CommandContext(ctx, args[0], args[1:]...), before: s.spent(), stop: cancel}
	l.wrk.Stdout, l.wrk.Stderr = &l.out, &l.out
	if err := l.wrk.Start(); err != nil {
		s.t.Fatal(err)
	}
	return l
}

func (l *load) signal(sig syscall.Signal) {
	l.t.Helper()
	if err := l.wrk.Process.Signal(sig); err != nil {
		l.t.Fatal(err)
	}
}

// end waits for the end of the load and returns its measurements.
func (l *load) end(status int) (f figures) {
	l.t.Helper()
	defer l.stop()
	err := l.wrk.Wait()
	used := l.spent() - l.before
	text := strings.TrimSpace(l.out.String())
	var requests, micros, refused, failed float64
	if err == nil {
		_, err = fmt.Sscan(text[strings.LastIndexByte(text, '\n')+1:], &requests, &micros, &f[median], &f[slowest], &refused, &failed)
	}
	if want := status > 399; err != nil || requests == 0 || failed > 0 || refused != 0 && !want || refused != requests && want {
		l.t.Fatalf("want only answers of %d: error %v\n%s", status, err, text)
	}
	f[cpu] = float64(used.Microseconds()) / requests
	f[rate] = requests / micros * 1e6
	f[median] /= 1000
	f[slowest] /= 1000
	f[memory] = l.resident()
	return f
}

// spent returns the CPU time that the process has used, to 10 ms.
func (p *program) spent() time.Duration {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		p.t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):])) // proc(5): the first of these is field 3
	var user, system time.Duration
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		p.t.Fatal(err)
	}
	return (user + system) * 10 * time.Millisecond
}

// cores returns the words that pin a server to one core and the load to another, or none
// if there is only one core.
func cores() (servers, load []string) {
	var free unix.CPUSet
	if err := unix.SchedGetaffinity(0, &free); err != nil || free.Count() < 2 {
		return nil, nil
	}
	var first []string
	for i := 0; len(first) < 2; i++ {
		if free.IsSet(i) {
			first = append(first, strconv.Itoa(i))
		}
	}
	return []string{"taskset", "-c", first[0]}, []string{"taskset", "-c", first[1]}
}

// where says which cores were used.
func where() string {
	if servers, _ := cores(); servers == nil {
		return "servers and load on one core: there is no other"
	}
	return "servers and load on a core each"
}
