package gate

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tallyMinutes = 60
	maxHosts     = 50 // maximum number of unlisted hosts; the one whose last question is oldest is dropped
	askedEvery   = time.Second
)

// Tally counts the questions of proxies about an app within the last hour, in this
// server's memory.
type Tally struct {
	asked atomic.Int64 // microseconds, exact to a second; atomic, so that responses do not wait for each other
	by    atomic.Pointer[string]

	mu      sync.Mutex
	refused [outcomes]minutes
}

// minutes counts events in each minute of the last hour.
type minutes struct {
	at   [tallyMinutes]int64 // minute since 1970
	n    [tallyMinutes]int
	last time.Time
	by   string
}

func (m *minutes) add(now time.Time, by string) {
	minute := now.Unix() / 60
	i := minute % tallyMinutes
	if m.at[i] != minute {
		m.at[i], m.n[i] = minute, 0
	}
	m.n[i]++
	m.last, m.by = now, by
}

func (m *minutes) total(now time.Time) (n int) {
	for i, at := range m.at {
		if age := now.Unix()/60 - at; age >= 0 && age < tallyMinutes {
			n += m.n[i]
		}
	}
	return n
}

// Refusal counts refusals of one kind in the last hour.
type Refusal struct {
	Outcome Outcome // why
	Host    string  // the unlisted host; empty: not known, or an app's
	Own     bool    // whether Host is the one where people sign in
	N       int
	Last    time.Time
	By      string // address of the peer that asked last
}

// Asked returns when the gate was last asked, and by which peer, or the zero time if it
// never was.
func (t *Tally) Asked() (at time.Time, by string) {
	micros, who := t.asked.Load(), t.by.Load()
	if micros == 0 || who == nil {
		return time.Time{}, ""
	}
	return time.UnixMicro(micros), *who
}

// Refused returns the refusals within the hour before now, the most frequent first.
func (t *Tally) Refused(now time.Time) (all []Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for why := range t.refused {
		m := &t.refused[why]
		if n := m.total(now); n > 0 {
			all = append(all, Refusal{Outcome: Outcome(why), N: n, Last: m.last, By: m.by})
		}
	}
	slices.SortStableFunc(all, func(a, b Refusal) int { return cmp.Compare(b.N, a.N) })
	return all
}

func (t *Tally) ask(now time.Time, by string) {
	micros := now.UnixMicro()
	if since := micros - t.asked.Load(); since >= 0 && since < askedEvery.Microseconds() {
		return
	}
	t.asked.Store(micros)
	t.by.Store(new(by))
}

func (t *Tally) refuse(why Outcome, now time.Time, by string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused[why].add(now, by)
}

// unlistedHosts counts questions about hosts that are neither an app's nor in GATE_HOSTS.
type unlistedHosts struct {
	mu    sync.Mutex
	hosts map[string]*minutes
}

func (s *unlistedHosts) add(host string, now time.Time, by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.hosts[host]
	if m == nil {
		if len(s.hosts) >= maxHosts {
			s.dropOldest()
		}
		if m = (&minutes{}); s.hosts == nil {
			s.hosts = map[string]*minutes{}
		}
		s.hosts[host] = m
	}
	m.add(now, by)
}

func (s *unlistedHosts) dropOldest() {
	oldest := ""
	for host, m := range s.hosts {
		if oldest == "" || m.last.Before(s.hosts[oldest].last) {
			oldest = host
		}
	}
	delete(s.hosts, oldest)
}

// Count counts the question and its outcome. by is the peer's address.
func (g *Gate) Count(q *Question, v Verdict, now time.Time, by string) {
	switch v.Outcome {
	case Untrusted, Unreadable:
		tally := &g.unattributed
		if v.Outcome == Untrusted && q.Err == nil { // an untrusted peer can claim any host: it is only shown
			if rule, _ := g.rule(q.Target); rule != nil {
				tally = rule.Tally
			}
		}
		tally.refuse(v.Outcome, now, by)
	case Unlisted:
		g.unlisted.add(q.Name, now, by)
	case OverHTTP, OtherPort, NoPrograms, BadProgram, WrongGroup, LowLevel:
		v.Rule.Tally.refuse(v.Outcome, now, by)
	case Unknown, SignedOut, Unsure, Pass:
	}
	if v.Rule != nil {
		v.Rule.Tally.ask(now, by)
	}
}

// Unattributed returns the refusals within the hour before now that belong to no app,
// newest first: questions of untrusted peers, malformed ones, and those about unlisted
// hosts. A host that an app has by now is left out.
func (g *Gate) Unattributed(now time.Time) []Refusal {
	all := g.unattributed.Refused(now)
	g.unlisted.mu.Lock()
	defer g.unlisted.mu.Unlock()
	for host, m := range g.unlisted.hosts {
		if n := m.total(now); n > 0 {
			if g.named(host) == nil {
				all = append(all, Refusal{Outcome: Unlisted, Host: host, Own: host == g.own, N: n, Last: m.last, By: m.by})
			}
		}
	}
	slices.SortFunc(all, func(a, b Refusal) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Host, b.Host)) })
	return all
}

// Listed returns the rules of GATE_HOSTS.
func (g *Gate) Listed() []*Rule { return g.hosts }
