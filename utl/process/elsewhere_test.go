package process

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// soon is how long a change may take to reach another process: the promised second, and
// another one for a busy machine.
const soon = 2 * time.Second

// Attack cookie/replay: a running server applies what a command changed within a second.
func TestCommandReachesServer(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	for _, tt := range []struct {
		name, stdin string
		args        []string
		again       string // the password that is valid afterwards
		status      int
	}{
		{"disable", "", []string{"user", "disable"}, good, http.StatusUnprocessableEntity},
		{"delete", "", []string{"user", "delete"}, good, http.StatusUnprocessableEntity},
		{"password", other + "\n", []string{"user", "password", "--password-stdin"}, other, http.StatusSeeOther},
	} {
		p.must(good+"\n", "user", "add", tt.name, "--password-stdin")
		b := signedIn(t, p, tt.name)
		bystander := signedIn(t, p, "ada")
		p.must(tt.stdin, append(tt.args, tt.name)...)
		took := p.within(soon, tt.name+": the session is refused", func() bool { return b.signedOut(t) })
		t.Logf("%s: refused %v after the command's end", tt.name, took.Round(time.Millisecond))
		newBrowser(p).signIn(t, tt.name, tt.again, tt.status)
		bystander.get(t, "/account", http.StatusOK)
	}
}

// Attack cookie/rotated-key: a running server uses a rotated key by itself; the old
// cookie is accepted and signed again; after prune it is refused.
func TestRotationReachesServer(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	ada := signedIn(t, p, "ada")
	old := ada.copied()

	p.must("", "keys", "rotate")
	p.within(soon, "the cookie is signed again", func() bool {
		ada.get(t, "/account", http.StatusOK)
		return ada.cookies["glassjar"] != old.cookies["glassjar"]
	})
	old.copied().get(t, "/account", http.StatusOK) // a copy, so that old itself does not store the new cookie

	p.must("", "keys", "prune")
	took := p.within(soon, "the old cookie is refused", func() bool { return old.copied().signedOut(t) })
	t.Logf("refused %v after prune's end", took.Round(time.Millisecond))
	ada.get(t, "/account", http.StatusOK)
}

// Attack cookie/replay: two servers on one database: a session that ends on one is
// refused by the other within a second.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	endsElsewhere(t, start(t, folder), start(t, folder))
}

// endsElsewhere fails the test unless sessions that end on the first server, on a
// database without accounts, are refused by the second within a second.
func endsElsewhere(t *testing.T, first, second *program) {
	t.Helper()
	first.owner("ada")
	for _, end := range []struct {
		name string
		by   func(b *browser)
	}{
		{"sign-out", func(b *browser) { b.post(t, "/logout", url.Values{}, http.StatusSeeOther) }},
		{"end this device", func(b *browser) {
			page := b.get(t, "/account", http.StatusOK).body
			_, id, _ := strings.Cut(page, `action="/account/sessions/`)
			id, _, _ = strings.Cut(id, "/")
			b.post(t, "/account/sessions/"+id+"/end", url.Values{}, http.StatusSeeOther)
		}},
		{"password", func(b *browser) {
			b.post(t, "/account/password", url.Values{"current": {good}, "password": {other}}, http.StatusSeeOther)
		}},
	} {
		here := signedIn(t, first, "ada")
		there := here.copied()
		there.at = second
		there.get(t, "/account", http.StatusOK) // puts the session into the other server's cache
		end.by(here)
		took := second.within(soon, end.name+": the other server refuses", func() bool { return there.signedOut(t) })
		t.Logf("%s: refused %v after the answer", end.name, took.Round(time.Millisecond))
	}
}
