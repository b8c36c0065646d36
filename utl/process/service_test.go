package process

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/proxytest"
	"glassjar/utl/tooltest"
)

// oddName is a SITE_NAME with what has a meaning in a unit and in a compose file.
const oddName = `Ada's 100%h "jar\n" $HOME ${x} # é`

// unit is a systemd unit as printed.
type unit string

// printed returns the recipe with the name for the settings.
func printed(t *testing.T, name string, settings ...string) unit {
	t.Helper()
	cmd := exec.Command(binary, "recipe", name)
	cmd.Dir, cmd.Env = t.TempDir(), settings
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("recipe %s: %v", name, err)
	}
	return unit(text)
}

// all returns the values of the setting, in order.
func (u unit) all(name string) (values []string) {
	for line := range strings.Lines(string(u)) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

const installed = "/usr/local/bin/glassjar"

// systemd-analyze verifies the printed units without a warning, and finds almost nothing
// that an attacker in the service could do.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	analyze := tooltest.Need(t, "systemd-analyze")
	for name, settings := range map[string][]string{
		"plain":    {"PUBLIC_URL=https://jar.example"},
		"a socket": {"PUBLIC_URL=https://jar.example", "ADDR=unix:/run/glassjar/http.sock", "GATE_HOSTS=app.example,*.apps.example:8443"},
		"secrets":  {"PUBLIC_URL=http://jar.example:8000", "DATABASE_URL=postgres://jar:secret@localhost/jar", "SMTP_URL=smtps://jar:secret@mail.example", "MAIL_FROM=jar@site.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			var files []string
			for recipe, file := range map[string]string{"systemd": "glassjar.service", "systemd-socket": "glassjar.socket"} {
				text := string(printed(t, recipe, settings...))
				if strings.Contains(text, "secret@") || strings.Contains(text, ":secret") {
					t.Errorf("%s holds a secret", recipe)
				}
				files = append(files, filepath.Join(folder, file))
				here := strings.Replace(text, "ExecStart="+installed, "ExecStart="+binary, 1) // the path where the program really is
				if err := os.WriteFile(filepath.Join(folder, file), []byte(here), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, files...)...).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("verify: %v\n%s", err, out)
			}
			out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=15", filepath.Join(folder, "glassjar.service")).CombinedOutput()
			_, verdict, _ := strings.Cut(string(out), "→ ")
			if t.Log(verdict); err != nil {
				t.Errorf("an exposure of 1.5 or less is wanted: %v", err)
			}
		})
	}
}

// start starts the server as the unit does: with its settings, its secrets and its folder.
func (u unit) start(t *testing.T, front []string, more ...string) *program {
	t.Helper()
	secrets, folder := t.TempDir(), t.TempDir()
	if got := u.all("WorkingDirectory"); !slices.Equal(got, []string{"%S/" + u.all("StateDirectory")[0]}) {
		t.Fatalf("the working folder %q is not the one for the state", got)
	}
	for _, credential := range u.all("LoadCredential") {
		name, _, _ := strings.Cut(credential, ":")
		if err := os.WriteFile(filepath.Join(secrets, name), []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	p := spawnUnder(t, front, folder, slices.Concat([]string{"CREDENTIALS_DIRECTORY=" + secrets}, u.all("Environment"), more)...)
	p.serves()
	return p
}

// The service needs only system calls that its unit allows: strace lists each call, where
// systemd would refuse it.
func TestSystemdLetsItWork(t *testing.T) {
	t.Parallel()
	analyze, strace := tooltest.Need(t, "systemd-analyze"), tooltest.Need(t, "strace")
	addr := proxytest.Free(t)
	u := printed(t, "systemd", "PUBLIC_URL=http://"+addr, "ADDR="+addr)
	record := filepath.Join(t.TempDir(), "trace")
	p := u.start(t, []string{strace, "-f", "-qq", "-e", "signal=none", "-o", record})
	join := p.firstLink()
	ada := newBrowser(p)
	ada.post(t, join, signInForm("ada", good), http.StatusSeeOther)
	ada.get(t, "/account", http.StatusOK)
	ada.post(t, "/logout", url.Values{}, http.StatusSeeOther)
	ada.signIn(t, "ada", good, http.StatusSeeOther)
	if files, err := filepath.Glob(filepath.Join(p.folder, ".env")); err != nil || files != nil {
		t.Errorf("keys were made beside those that were handed over: %v, %v", files, err)
	}
	p.trace = record
	pid, _, _ := strings.Cut(p.traceText(), " ")
	if err := exec.Command("kill", pid).Run(); err != nil {
		t.Fatal(err)
	}
	p.wait(0)

	allowed := callsOf(t, analyze, "@system-service")
	for _, set := range []string{"@privileged", "@resources"} {
		for call := range callsOf(t, analyze, set) {
			delete(allowed, call)
		}
	}
	if os.Geteuid() == 0 {
		allowed["fchown"] = true // SQLite calls it only as root, and the unit's user is not root
	}
	refused := map[string]bool{}
	for line := range strings.Lines(p.traceText()) {
		_, call, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
		call, _, isCall := strings.Cut(strings.TrimSpace(call), "(")
		if isCall && !strings.ContainsAny(call, " <+?") && !allowed[call] { // "???": the thread ended before strace could read the call
			refused[call] = true
		}
	}
	if len(refused) > 0 {
		t.Errorf("the unit refuses %v", refused)
	}
}

// callsOf returns the system calls of the set, also of the sets in it.
func callsOf(t *testing.T, analyze, set string) map[string]bool {
	t.Helper()
	out, err := exec.Command(analyze, "syscall-filter", set).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for word := range strings.FieldsSeq(string(out)) {
		switch {
		case word == set || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(word, "@"):
			for call := range callsOf(t, analyze, word) {
				all[call] = true
			}
		default:
			all[word] = true
		}
	}
	return all
}
