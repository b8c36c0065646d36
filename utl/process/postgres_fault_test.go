package process

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
)

// onPostgres is a site whose database a test makes fail.
type onPostgres struct {
	*program

	server *dbtest.Server
	wire   *dbtest.Wire
	admin  string // the database's URL, not through the wire
}

// startOnPostgres starts a site on a PostgreSQL database of its own, through a wire, with
// a role that is not a superuser.
func startOnPostgres(t *testing.T) onPostgres {
	t.Helper()
	s := dbtest.Need(t)
	admin := s.NewEmpty(t)
	name, _, _ := strings.Cut(strings.TrimPrefix(admin, "postgres:///"), "?")
	dbtest.Exec(t, admin, `CREATE ROLE jar LOGIN`, `ALTER DATABASE `+name+` OWNER TO jar`)
	through, wire := s.Through(t, strings.Replace(admin, "user=glassjar", "user=jar", 1))
	p := start(t, t.TempDir(), "DATABASE_URL="+through)
	link := p.firstLink()
	newBrowser(p).post(t, link, url.Values{"username": {"ada"}, "password": {good}, "repeat": {good}}, http.StatusSeeOther)
	return onPostgres{p, s, wire, admin}
}

// Attack fault/database-away: PostgreSQL is unavailable in several ways: pages that read
// it get 503 in time, live sessions are accepted for 10 s and then get 503 too, and ended
// sessions stay refused. When it is back, everything works without a restart, with as few
// connections as before.
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(t *testing.T, p onPostgres) (mend func()){
		"nothing comes through": func(_ *testing.T, p onPostgres) func() {
			p.wire.Hole(true)
			return func() { p.wire.Hole(false) }
		},
		"stopped": func(t *testing.T, p onPostgres) func() {
			t.Helper()
			p.server.Signal(t, syscall.SIGSTOP)
			return func() { p.server.Signal(t, syscall.SIGCONT) }
		},
		"no connection is left": func(t *testing.T, p onPostgres) func() {
			t.Helper()
			dbtest.Exec(t, p.admin, `ALTER ROLE jar CONNECTION LIMIT 0`, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'jar'`)
			return func() { dbtest.Exec(t, p.admin, `ALTER ROLE jar CONNECTION LIMIT -1`) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startOnPostgres(t)
			live, leaving, ended := signedIn(t, p.program, "ada"), signedIn(t, p.program, "ada"), signedIn(t, p.program, "ada")
			saved := ended.copied()
			ended.post(t, "/logout", url.Values{}, http.StatusSeeOther)
			mend := fault(t, p)
			p.away(live, leaving, saved)
			mend()
			p.back(live, saved, 2)
		})
	}
}

// away checks that pages that read the database get 503, that live is accepted for a
// while and then gets 503, and that saved, whose session has ended, is refused.
func (p *program) away(live, leaving, saved *browser) {
	p.t.Helper()
	type told struct {
		what string
		answer
	}
	answers := make(chan told, 4)
	ask := func(what string, b *browser, path string, form url.Values) {
		a, err := b.try(path, form)
		if err != nil {
			p.t.Error(what, ": ", err)
		}
		answers <- told{what, a}
	}
	go ask("a sign-in", newBrowser(p), "/auth", signInForm("ada", good))
	go ask("a stranger's sign-in", newBrowser(p), "/auth", signInForm("nobody", good))
	go ask("a sign-out", leaving, "/logout", url.Values{})
	go ask("what reads", live.copied(), "/account", nil)
	for waiting := cap(answers); waiting > 0; {
		select {
		case a := <-answers:
			p.unavailable(a.what, a.answer)
			waiting--
		case <-time.After(20 * time.Millisecond):
			for _, path := range []string{quiet, "/"} { // an owner's home also reads the database
				if a := live.get(p.t, path, http.StatusOK); a.took > time.Second {
					p.t.Errorf("a live session's page %s took %v", path, a.took)
				}
			}
		}
	}
	p.distrusts(live)
	if status := saved.status(p.t, quiet); status == http.StatusOK {
		p.t.Error("a session that was ended is accepted")
	}
}

// distrusts waits until a live session gets 503, because the database does not confirm it.
func (p *program) distrusts(live *browser) {
	p.t.Helper()
	p.within(12*time.Second, "the live session is not trusted any more", func() bool {
		a, err := live.try(quiet, nil)
		if err == nil && a.status == http.StatusServiceUnavailable {
			p.unavailable("a live session, later", a)
			return true
		}
		if err != nil || a.status != http.StatusOK {
			p.t.Fatalf("a live session got status %d, error %v; want 200 or 503", a.status, err)
		}
		return false
	})
}

// back checks that everything works again without a restart, and that this many ended
// sessions are stored.
func (p onPostgres) back(live, saved *browser, ends int) {
	p.t.Helper()
	p.signsInAgain()
	p.eventually("the live session is back", func() bool { return live.status(p.t, "/account") == http.StatusOK })
	p.eventually("ready", func() bool { return live.status(p.t, "/readyz") == http.StatusOK })
	p.eventually("the sign-out is written", func() bool {
		return p.server.Count(p.t, p.admin, `SELECT COUNT(*) FROM sessions WHERE ended_at > 0`) >= ends
	})
	saved.get(p.t, "/account", http.StatusSeeOther)
	p.eventually("only its own connections are left", func() bool {
		return p.server.Count(p.t, p.admin, `SELECT COUNT(*) FROM pg_stat_activity WHERE usename = 'jar'`) <= 11
	})
	p.stop()
}

// Attack fault/database-away: PostgreSQL restarts under load: every response is a page or
// 503, and then everything works.
func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	p := startOnPostgres(t)
	live := signedIn(t, p.program, "ada")
	stop, load := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		load.Go(func() {
			b := live.copied()
			for {
				select {
				case <-stop:
					return
				default:
					worksOrNotNow(t, "a page under load", b, "/account")
				}
			}
		})
	}
	p.server.Restart(t)
	p.eventually("a page works again", func() bool { return live.status(t, "/account") == http.StatusOK })
	close(stop)
	load.Wait()
	p.signsInAgain()
	p.stop()
}

// worksOrNotNow fails the test unless the response is the page or 503, in time.
func worksOrNotNow(t *testing.T, what string, b *browser, path string) {
	t.Helper()
	a, err := b.try(path, nil)
	if err != nil || a.status != http.StatusOK && a.status != http.StatusServiceUnavailable || a.took > patient {
		t.Errorf("%s: status %d after %v, error %v; want 200 or 503", what, a.status, a.took, err)
	}
}

// Attack fault/database-away: if each response of PostgreSQL takes half a second longer,
// sign-ins take longer and succeed.
func TestPostgresIsSlow(t *testing.T) {
	t.Parallel()
	p := startOnPostgres(t)
	live := signedIn(t, p.program, "ada")
	for range 3 { // on other connections, where the first use of a statement takes two round trips
		signedIn(t, p.program, "ada")
	}
	p.wire.Slow(500 * time.Millisecond)
	answers := make(chan answer)
	go func() {
		a, err := newBrowser(p.program).try("/auth", signInForm("ada", good))
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	for waiting := true; waiting; {
		select {
		case a := <-answers:
			t.Logf("a sign-in with 0.5 s more for each answer: status %d after %v", a.status, a.took)
			if a.status != http.StatusSeeOther {
				t.Errorf("a sign-in: status %d after %v", a.status, a.took)
			}
			waiting = false
		case <-time.After(20 * time.Millisecond):
			worksOrNotNow(t, "a live session's page", live, quiet)
		}
	}
	p.wire.Slow(0)
	p.signsInAgain()
	p.stop()
}

// Attack fault/disk: PostgreSQL's disk is full: nothing can be written, and what needs no
// writing works. When there is space again everything works, without a restart.
func TestPostgresDiskFull(t *testing.T) {
	t.Parallel()
	p := startOnPostgres(t)
	live, ended := signedIn(t, p.program, "ada"), signedIn(t, p.program, "ada")
	saved := ended.copied()
	const accounts = `SELECT COUNT(*) FROM accounts`
	mend := p.server.Full(t, p.admin, "audit", "at, event, actor_id, actor, account_id, username, address, agent, detail",
		"1, 'x', '', '', '', '', '', '', repeat('x', 1000)", "1, 'x', '', '', '', '', '', '', ''")
	p.unavailable("a sign-in", newBrowser(p.program).post(t, "/auth", signInForm("ada", good), http.StatusServiceUnavailable))
	p.unavailable("a sign-out", ended.post(t, "/logout", url.Values{}, http.StatusServiceUnavailable))
	invite := live.post(t, "/people/invite", url.Values{"role": {"member"}, "days": {"1"}}, http.StatusServiceUnavailable)
	p.unavailable("an invitation", invite)
	live.get(t, "/account", http.StatusOK)
	saved.get(t, "/account", http.StatusSeeOther) // on this server it has ended
	if n := p.server.Count(t, p.admin, accounts); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	mend()
	p.back(live, saved, 1)
}
