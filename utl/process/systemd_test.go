package process

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/proxytest"
)

// systemd runs the units exactly as printed, installed with the commands in them: the
// site responds as soon as systemd reports it ready, state and secrets are where the unit
// says, and its hardening is in effect.
func TestSystemd(t *testing.T) {
	t.Parallel()
	m := boot(t)
	if err := exec.Command("cp", binary, filepath.Join(m.root, "root/glassjar")).Run(); err != nil {
		t.Fatal(err)
	}
	addr := proxytest.Free(t)
	settings := []string{"PUBLIC_URL=http://" + addr, "ADDR=" + addr, "SMTP_URL=smtp://jar:secret@127.0.0.1:1", "MAIL_FROM=jar@site.example", "SITE_NAME=" + oddName}
	service := printed(t, "systemd", settings...)
	m.installs(service)
	m.sh(service.commands(t, "Once, as root"), "smtp://jar:secret@127.0.0.1:1") // the secret on stdin
	_, port, _ := strings.Cut(addr, ":")
	p := m.view(port)
	newBrowser(p).get(t, "/readyz", http.StatusOK) // without waiting
	ada := m.signsUp(p)
	m.isHardened()
	if said := m.sh(service.commands(t, "A command")); !strings.Contains(said, "ada") {
		t.Errorf("user list says %q", said)
	}
	m.sh("systemctl reload glassjar")
	ada.get(t, "/account", http.StatusOK)

	socket := printed(t, "systemd-socket", settings...)
	m.installs(socket)
	m.sh(socket.commands(t, "It keeps listening"))
	ada.get(t, "/account", http.StatusOK)
	m.restarts("http://" + addr)
	m.watches(ada)
	m.stops(addr)
	m.takesAlong(service)
	ada.get(t, "/account", http.StatusOK)
	m.stops(addr)
	m.runsBehindAFile()
}

// signsUp creates the owner's account with the link in the log.
func (m booted) signsUp(p *program) *browser {
	m.t.Helper()
	var link string
	p.eventually("the log has the owner's link", func() (has bool) {
		_, link, has = strings.Cut(m.journal(), "within 24 hours at "+p.url)
		return has
	})
	ada := newBrowser(p)
	ada.post(m.t, strings.Fields(link)[0], signInForm("ada", good), http.StatusSeeOther)
	ada.get(m.t, "/account", http.StatusOK)
	return ada
}

// isHardened checks that what the unit forbids is forbidden, and that its files belong to
// its user.
func (m booted) isHardened() {
	m.t.Helper()
	const script = `systemctl status --no-pager glassjar; systemctl show -p Type glassjar
pid=$(systemctl show -P MainPID glassjar); cat /proc/$pid/status; tr '\0' '\n' </proc/$pid/environ
stat -c '%n %a %u' /var/lib/private/glassjar/ /var/lib/private/glassjar/* /run/credentials/glassjar.service; ls -A /var/lib/glassjar/`
	said := m.sh(script)
	_, user, _ := strings.Cut(said, "\nUid:\t")
	user, _, _ = strings.Cut(user, "\t")
	for _, want := range []string{
		"Active: active (running)", "\nType=notify\n", "\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n", "\nCapBnd:\t0000000000000000\n", "\nCapEff:\t0000000000000000\n",
		"\n/var/lib/private/glassjar/ 700 " + user + "\n", "\n/var/lib/private/glassjar/glassjar.db 600 " + user + "\n",
		"\nSITE_NAME=" + oddName + "\n",
	} {
		if !strings.Contains(said, want) {
			m.t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if user == "0" || strings.Contains(said, ".env") || strings.Contains(said, "secret@") {
		m.t.Errorf("it is root, or the keys or a secret are elsewhere than in the credentials:\n%s", said)
	}
	if said := m.sh("journalctl --no-pager --quiet --priority=warning _PID=1 | grep glassjar || true"); said != "" {
		m.t.Errorf("systemd complains:\n%s", said)
	}
}

// restarts restarts the service three times under load: no request is lost.
func (m booted) restarts(at string) {
	m.t.Helper()
	load := sends(m.t, at)
	for range 3 {
		load.more(100)
		m.sh("systemctl restart glassjar")
	}
	load.stop()
	m.t.Logf("3 restarts by systemd under load: %d of %d requests were lost", load.lost.Load(), load.answered.Load())
}

// watches stops the process (SIGSTOP), as if it hung: systemd kills it after WatchdogSec
// and starts another, which answers the requests of meanwhile.
func (m booted) watches(ada *browser) {
	m.t.Helper()
	began := time.Now()
	m.sh("pid=$(systemctl show -P MainPID glassjar); kill -STOP $pid; timeout 50 tail --pid=$pid -f /dev/null || true") // until it has ended
	ada.at.within(50*time.Second-time.Since(began), "systemd has started another", func() bool {
		return m.sh("systemctl show -P NRestarts glassjar") == "1\n"
	})
	ada.get(m.t, "/account", http.StatusOK)
	if said := m.journal(); !strings.Contains(said, "Watchdog timeout (limit 30s)!") {
		m.t.Errorf("no watchdog in the log:\n%s", said)
	}
	m.t.Logf("a stopped process was replaced after %v", time.Since(began).Round(time.Second))
}

// stops stops the service, which must succeed.
func (m booted) stops(addr string) {
	m.t.Helper()
	const want = "ActiveState=inactive\nExecMainCode=1\nExecMainStatus=0\nResult=success\n"
	m.sh("systemctl stop glassjar.socket glassjar.service")
	if got := m.sh("systemctl show -p ActiveState,ExecMainCode,ExecMainStatus,Result glassjar | sort"); got != want {
		m.t.Errorf("after the stop systemd says\n%s\nwant\n%s%s", got, want, m.journal())
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		m.t.Error("somebody listens after the stop")
	}
}

// takesAlong gives the stopped site a folder of its own, as it would have without systemd,
// and brings it back with the commands in the unit.
func (m booted) takesAlong(service unit) {
	m.t.Helper()
	m.sh(`mkdir site && mv /var/lib/private/glassjar/glassjar.db* site
echo "SESSION_KEYS=$(cat /etc/glassjar/session_keys)" >site/.env
rm -r /var/lib/glassjar /var/lib/private/glassjar /etc/glassjar/session_keys`)
	m.sh("cd site\n" + service.commands(m.t, "folder once it has stopped"))
	m.sh("systemctl start glassjar")
}

// runsBehindAFile makes systemd listen on a Unix socket that only the proxy's user can
// connect to.
func (m booted) runsBehindAFile() {
	m.t.Helper()
	settings := []string{"PUBLIC_URL=https://jar.example", "ADDR=unix:/run/glassjar/http.sock"}
	socket := printed(m.t, "systemd-socket", settings...)
	m.installs(printed(m.t, "systemd", settings...))
	m.installs(socket)
	m.sh(socket.commands(m.t, "It keeps listening"))
	const asks = "cd /; setpriv --clear-groups --reuid=$0 --regid=$0 env PUBLIC_URL=https://jar.example ADDR=unix:/run/glassjar/http.sock glassjar health"
	if said, err := m.try(strings.ReplaceAll(asks, "$0", "www-data"), ""); err != nil || said != "ready\n" {
		m.t.Errorf("the proxy's user hears %q, error %v: %s", said, err, m.journal())
	}
	if said, err := m.try(strings.ReplaceAll(asks, "$0", "games"), ""); err == nil {
		m.t.Errorf("another user hears %q", said)
	}
}
