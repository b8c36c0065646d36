package process

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/proxytest"
	"glassjar/utl/tooltest"
)

// engine is podman with folders of its own: no image, no volume and no network of
// the machine's.
type engine struct {
	t        *testing.T
	settings []string
}

// newEngine skips the test where the machine lets podman run nothing.
func newEngine(t *testing.T) engine {
	t.Helper()
	tooltest.Need(t, "podman")
	dir := t.TempDir()
	write := func(name, format string, args ...any) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	storage := write("storage.conf", "[storage]\ndriver = 'vfs'\ngraphroot = '%[1]s/images'\nrunroot = '%[1]s/run'\n", dir)
	containers := write("containers.conf", "[containers]\ncgroups = 'disabled'\nnetns = 'host'\ndefault_ulimits = ['nofile=1024:1024', 'nproc=4096:4096']\n"+
		"[engine]\ncgroup_manager = 'cgroupfs'\nevents_logger = 'none'\nlock_type = 'file'\ntmp_dir = '%[1]s/tmp'\nvolume_path = '%[1]s/volumes'\n", dir)
	e := engine{t, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CONTAINERS_CONF=" + containers, "CONTAINERS_STORAGE_CONF=" + storage}}
	e.golang(dir, write)
	if said, err := e.podman("run", "--rm", "--volume=/usr:/usr:ro", "docker.io/library/golang:1.26", "true"); err != nil {
		t.Skipf("no containers here (%v: %s): the image was not built", err, said)
	}
	return e
}

// golang makes what the image is built from, as no registry is asked: this machine's
// own Go and commands, which are lent to it.
func (e engine) golang(dir string, write func(name, format string, args ...any) string) {
	e.t.Helper()
	context := filepath.Join(dir, "golang")
	for _, folder := range []string{"usr", "etc/ssl", "go/root", "go/pkg/mod", "go/cache", "tmp"} {
		if err := os.MkdirAll(filepath.Join(context, folder), 0o755); err != nil {
			e.t.Fatal(err)
		}
	}
	for _, link := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+link, filepath.Join(context, link)); err != nil {
			e.t.Fatal(err)
		}
	}
	file := write("Golang", "FROM scratch\nCOPY . /\nENV PATH=/go/root/bin:/usr/bin GOPATH=/go GOCACHE=/go/cache GOPROXY=off\n")
	if said, err := e.podman("build", "--isolation=chroot", "--file="+file, "--tag=docker.io/library/golang:1.26", context); err != nil {
		e.t.Skipf("no images here (%v: %s): the image was not built", err, said)
	}
}

// command returns the command of podman. crun refuses to run beside the first
// version of cgroups: it sees the second alone.
func (engine) command(args ...string) []string {
	const script = `umount -Rl /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec podman "$@"`
	return append([]string{"unshare", "--mount", "sh", "-ec", script, "sh"}, args...)
}

func (e engine) podman(args ...string) (said string, err error) {
	command := e.command(args...)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = e.settings
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func goenv(t *testing.T, name string) string {
	t.Helper()
	value, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(value))
}

// A container engine builds the image by .ci/Containerfile as it is, and runs it with
// what the compose file says. It is healthy, keeps what it writes in its volume, and
// ends when it is stopped.
func TestContainer(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	if said, err := e.podman("build", "--isolation=chroot", "--pull-never", "--format=docker", "--tag=glassjar",
		"--volume=/usr:/usr:ro", "--volume=/etc/ssl:/etc/ssl:ro",
		"--volume="+goenv(t, "GOROOT")+":/go/root:ro",
		"--volume="+goenv(t, "GOMODCACHE")+":/go/pkg/mod",
		"--volume="+goenv(t, "GOCACHE")+":/go/cache",
		"--file=../../.ci/Containerfile", "../.."); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	glassjar := composed(t).Services["glassjar"]
	_, port, _ := strings.Cut(proxytest.Free(t), ":")
	args := []string{
		"run", "--rm", "--name=jar", "--security-opt=no-new-privileges", "--read-only-tmpfs=false",
		fmt.Sprintf("--read-only=%v", glassjar.ReadOnly), "--cap-drop=" + strings.Join(glassjar.CapDrop, ","), "--env=ADDR=127.0.0.1:" + port,
	}
	for _, volume := range glassjar.Volumes {
		args = append(args, "--volume="+volume)
	}
	for name, value := range glassjar.Environment {
		args = append(args, "--env="+name+"="+value)
	}
	p := spawnCommand(t, e.command(append(args, "glassjar")...), nil, t.TempDir(), e.settings...)
	t.Cleanup(func() { _, _ = e.podman("rm", "--force", "--time=0", "jar") }) // which outlives podman
	p.serves()
	p.port = port
	asked := func(args ...string) (string, error) { // where its mounts are
		cmd := exec.Command("nsenter", append([]string{"--mount", fmt.Sprintf("--target=%d", p.pid), "podman"}, args...)...)
		cmd.Env = e.settings
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	p.eventually("it is healthy", func() bool {
		_, err := asked("healthcheck", "run", "jar")
		return err == nil
	})
	if said, err := asked("exec", "jar", "/glassjar", "user", "list"); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	newBrowser(p).get(t, "/readyz", http.StatusOK)
	p.stop()
	said, err := e.podman("volume", "inspect", "--format={{.Mountpoint}}", "data")
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(said), "*.db"))
	if err != nil || !slices.Equal(files, []string{filepath.Join(strings.TrimSpace(said), "glassjar.db")}) {
		t.Errorf("the volume holds %v, error %v", files, err)
	}
}
