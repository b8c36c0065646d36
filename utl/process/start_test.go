package process

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A start that finds accounts but no owner who can sign in says how to create one.
func TestStartWithoutAnOwner(t *testing.T) {
	t.Parallel()
	const words = "no owner can sign in, so nobody can manage people: glassjar user add NAME --role owner"
	p := start(t, t.TempDir())
	p.must(good+"\n", "user", "add", "bob", "--password-stdin")
	p.stop()
	if strings.Contains(p.stdout.String(), words) {
		t.Errorf("a start without accounts says %q", p.stdout)
	}
	p = start(t, p.folder)
	p.eventually("the start says what to do", func() bool { return strings.Contains(p.stdout.String(), words) })
	p.must(good+"\n", "user", "add", "ada", "--role", "owner", "--password-stdin")
	p.stop()
	p = start(t, p.folder)
	p.stop()
	if strings.Contains(p.stdout.String(), words) {
		t.Errorf("a start with an owner says %q", p.stdout)
	}
}

// If the server cannot listen, it says which setting to change.
func TestAnAddressThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	socket := filepath.Join(t.TempDir(), "http.sock")
	start(t, t.TempDir(), "ADDR=unix:"+socket, "PUBLIC_URL=https://jar.example")
	for address, want := range map[string]string{
		"unix:" + socket:               "glassjar: " + socket + " is in use: stop the program that listens there, take the file away if it is no socket, or set ADDR to another\n",
		"unix:" + socket + "/x/y.sock": "glassjar: ADDR cannot be listened at",
		"unix:/none/here.sock":         "glassjar: the socket's folder is missing: mkdir /none, or set ADDR to another place\n",
		"127.0.0.1:" + p.port:          "glassjar: 127.0.0.1:" + p.port + " is in use: stop the program that listens there, or set ADDR to another\n",
		"192.0.2.1:8080":               "glassjar: 192.0.2.1:8080 is no address of this machine: set ADDR to one that is",
		"none.invalid:8080":            "glassjar: ADDR cannot be listened at: set it to an address of this machine, such as 127.0.0.1:8080 (listening: ",
	} {
		other := spawn(t, t.TempDir(), "ADDR="+address, "PUBLIC_URL=https://jar.example")
		other.wait(1)
		if said := other.stderr.String(); !strings.Contains(said, want) {
			t.Errorf("ADDR=%s: got %q, want %q", address, said, want)
		}
	}
}

// A command in a folder without a site creates none, and does not affect a server elsewhere.
func TestACommandInTheWrongFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	r, err := command(context.Background(), folder, "", "link", "join")
	if err != nil || r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, "there is no site here: "+folder+" has no database glassjar.db") {
		t.Errorf("got %+v, error %v; want exit code 1 and the folder's name", r, err)
	}
}

// A start warns of passwords that others can read on the network, and of settings that
// may be mistakes; a start for this machine only prints no warning.
func TestStartWarns(t *testing.T) {
	t.Parallel()
	const public, slip = "passwords and cookies can be read on the way", "SESION_IDLE is no setting: did you mean SESSION_IDLE?"
	const passed = "in the environment: SESION_MAX is no setting: did you mean SESSION_MAX?"
	folder := t.TempDir()
	p := start(t, folder)
	p.stop()
	if said := p.stderr.String(); said != "" {
		t.Errorf("a start on this machine says %q", said)
	}
	env := filepath.Join(folder, ".env")
	keys, err := os.ReadFile(env)
	if err == nil {
		err = os.WriteFile(env, append(keys, "SESION_IDLE=1h\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	p = start(t, folder, "PUBLIC_URL=http://jar.example", "SESION_MAX=1h")
	p.stop()
	for _, want := range []string{public, slip, passed} {
		if said := p.stderr.String(); !strings.Contains(said, want) {
			t.Errorf("got %q, want %q", said, want)
		}
	}
}
