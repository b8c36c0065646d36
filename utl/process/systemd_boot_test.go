package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/tooltest"
)

// booted is a container in which Debian's systemd is process 1. Its /usr is this
// machine's, read-only except for /usr/local/bin; everything else is its own.
type booted struct {
	engine
	root string // folder of its root file system
}

// boot starts systemd. It skips the test if podman's containers may not mount or have no
// control groups, which systemd needs.
func boot(t *testing.T) booted {
	t.Helper()
	for _, program := range []string{"systemctl", "dbus-daemon", "openssl"} {
		tooltest.Need(t, program)
	}
	m := booted{newEngine(t), t.TempDir()}
	m.furnish()
	t.Cleanup(m.end)
	if said, err := m.run("", "sh", "-ec", "mount -t tmpfs none /root; mkdir /sys/fs/cgroup/one"); err != nil {
		unlessRefused(t, "no mounts or no control groups in a container", err, said)
	}
	if said, err := m.run("--detach --name=booted", "sh", "-ec", "mount --make-rshared /; exec /lib/systemd/systemd"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	m.view("").eventually("systemd listens", func() bool {
		_, err := m.podman("exec", "booted", "test", "-S", "/run/systemd/private")
		return err == nil
	})
	m.sh("timeout 30 systemctl is-system-running --wait || true") // "degraded" if a service of some package cannot run there
	return m
}

// run runs the command in a container, or starts it.
func (m booted) run(options string, command ...string) (said string, err error) {
	args := strings.Fields("podman run --rm --systemd=always --cgroups=disabled --cgroupns=private --cap-add=SYS_ADMIN,SYS_PTRACE --security-opt=seccomp=unconfined --security-opt=unmask=ALL " +
		"--volume=/usr:/usr:ro --volume=" + m.root + "/local:/usr/local/bin " + options + " --rootfs " + m.root)
	return m.output(m.grouped(append(args, command...)...), "")
}

// furnish creates the root file system: Debian's users, no devices, no logins, no
// persistent journal.
func (m booted) furnish() {
	m.t.Helper()
	units := filepath.Join(m.root, "etc/systemd/system")
	for _, folder := range []string{units, m.root + "/usr", m.root + "/local", m.root + "/root", m.root + "/tmp", m.root + "/var/lib", m.root + "/var/log"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			m.t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		m.root + "/bin": "usr/bin", m.root + "/sbin": "usr/sbin", m.root + "/lib": "usr/lib", m.root + "/lib64": "usr/lib64",
		units + "/default.target": "/lib/systemd/system/multi-user.target",
		units + "/getty.target":   "/dev/null", units + "/systemd-logind.service": "/dev/null",
	} {
		if err := os.Symlink(to, name); err != nil {
			m.t.Fatal(err)
		}
	}
	for file, more := range map[string]string{
		"machine-id": "", // empty, so that it is not a first boot, which would enable every installed service
		"passwd":     "messagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n",
		"group":      "messagebus:x:100:\n",
	} {
		text, err := os.ReadFile("/usr/share/base-passwd/" + file + ".master")
		if err == nil || more == "" {
			err = os.WriteFile(filepath.Join(m.root, "etc", file), append(text, more...), 0o600)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
}

// try runs a shell script in the container with this input.
func (m booted) try(script, input string) (said string, err error) {
	return m.output(m.command("podman", "exec", "--interactive", "--workdir=/root", "booted", "sh", "-ec", script), input)
}

// sh is try for a script that must succeed.
func (m booted) sh(script string, input ...string) (said string) {
	m.t.Helper()
	said, err := m.try(script, strings.Join(input, ""))
	if err != nil {
		m.t.Fatalf("%s: %v\n%s%s", script, err, said, m.journal())
	}
	return said
}

// journal returns glassjar's log lines.
func (m booted) journal() string {
	said, err := m.try("journalctl --no-pager --quiet --unit=glassjar", "")
	return fmt.Sprint(said, err)
}

// view is the program in the container, for browsers.
func (m booted) view(port string) *program {
	return &program{t: m.t, port: port, url: "http://127.0.0.1:" + port, stderr: new(output)}
}

// installs copies the unit to its place.
func (m booted) installs(u unit) {
	m.t.Helper()
	path, _, _ := strings.Cut(strings.TrimPrefix(string(u), "# "), ",")
	if err := os.WriteFile(filepath.Join(m.root, path), []byte(u), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// commands returns the commands in the unit's comment below the line that begins with under.
func (u unit) commands(t *testing.T, under string) (script string) {
	t.Helper()
	_, after, ok := strings.Cut(string(u), "\n# "+under)
	_, after, more := strings.Cut(after, "\n")
	for line := range strings.Lines(after) {
		command, is := strings.CutPrefix(line, "#   ")
		if !is {
			break
		}
		script += command
	}
	if !ok || !more || script == "" {
		t.Fatalf("the unit has no commands under %q", under)
	}
	return script
}
