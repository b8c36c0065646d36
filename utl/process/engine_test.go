package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"glassjar/utl/tooltest"
)

// engine is podman with folders of its own: it uses no image, volume or network of the
// machine.
type engine struct {
	t        *testing.T
	dir      string
	settings []string
	keeper   int // the process that keeps its namespaces alive
}

// kernelRefuses matches the kernel's errors for what it does not allow, or does not have.
var kernelRefuses = regexp.MustCompile(`(?i)operation not permitted|permission denied|read-only file system|no such device|unknown filesystem type|not supported`)

// unlessRefused fails the test because of an error, or skips it if the kernel refused, as it
// does in a container without privileges. It also skips with CI=true: no package that
// .ci/tools could install changes the kernel's answer.
func unlessRefused(t *testing.T, what string, err error, said string) {
	t.Helper()
	if !kernelRefuses.MatchString(said) {
		t.Fatalf("%s: %v\n%s", what, err, said)
	}
	t.Skipf("%s here (%v: %s): no container ran", what, err, said)
}

// newEngine skips the test if the kernel allows no containers here. The engine has mounts of
// its own until the test ends; unshare has further arguments of that command.
func newEngine(t *testing.T, unshare ...string) engine {
	t.Helper()
	tooltest.Need(t, "podman")
	e := engine{t: t, dir: t.TempDir()}
	storage := e.write("storage.conf", "[storage]\ndriver = 'vfs'\ngraphroot = '%[1]s/images'\nrunroot = '%[1]s/run'\n", e.dir)
	containers := e.write("containers.conf", "[containers]\ncgroups = 'disabled'\nnetns = 'host'\npids_limit = 0\ndefault_ulimits = ['nofile=1024:1024', 'nproc=4096:4096']\n"+
		"[network]\nnetwork_config_dir = '%[1]s/networks'\n"+
		"[engine]\ncgroup_manager = 'cgroupfs'\nevents_logger = 'none'\nexit_command_delay = 1\nlock_type = 'file'\ntmp_dir = '%[1]s/tmp'\nvolume_path = '%[1]s/volumes'\n", e.dir)
	e.settings = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.dir, "CONTAINERS_CONF=" + containers, "CONTAINERS_STORAGE_CONF=" + storage}
	e.keep(unshare)
	return e
}

// keep starts the process that keeps the engine's namespaces alive. crun refuses to run
// if cgroups v1 is mounted, so there it sees only v2. netavark keeps its networks under
// /run/containers, whatever the settings say.
func (e *engine) keep(unshare []string) {
	e.t.Helper()
	const script = `mountpoint -q /sys/fs/cgroup && umount -Rl /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /run/containers; mount -t tmpfs none /run/containers; echo kept; exec cat`
	cmd := exec.Command("unshare", append(append([]string{"--mount"}, unshare...), "sh", "-ec", script)...)
	said := new(output)
	cmd.Env, cmd.Stderr = e.settings, said
	hold, noInput := cmd.StdinPipe()
	out, noOutput := cmd.StdoutPipe()
	if err := errors.Join(noInput, noOutput, cmd.Start()); err != nil {
		e.t.Fatal(err)
	}
	end := func() { _, _ = hold.Close(), cmd.Wait() }
	e.t.Cleanup(end)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		end() // said is complete then
		unlessRefused(e.t, "no mounts of one's own", err, said.String())
	}
	e.keeper = cmd.Process.Pid
	if said, err := e.output(e.command("true"), ""); err != nil {
		unlessRefused(e.t, "no way into namespaces of one's own", err, said)
	}
}

// write writes a file in the engine's folder and returns its path.
func (e engine) write(name, format string, args ...any) (path string) {
	e.t.Helper()
	path = filepath.Join(e.dir, name)
	if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		e.t.Fatal(err)
	}
	return path
}

// golang makes the base images without a registry: from this machine's own Go and
// commands, which are mounted. It skips the test if the kernel does not let one run.
func (e engine) golang() {
	e.t.Helper()
	context := filepath.Join(e.dir, "golang")
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
	file := e.write("Golang", "FROM scratch\nCOPY . /\nENV PATH=/go/root/bin:/usr/bin GOPATH=/go GOCACHE=/go/cache GOPROXY=off\n")
	if said, err := e.podman("build", "--isolation=chroot", "--file="+file, "--tag=docker.io/library/golang:1.26", context); err != nil {
		unlessRefused(e.t, "no images", err, said)
	}
	if said, err := e.podman("run", "--rm", "--volume=/usr:/usr:ro", "docker.io/library/golang:1.26", "true"); err != nil {
		unlessRefused(e.t, "no containers", err, said)
	}
}

// command returns the command that runs args in the engine's namespaces.
func (e engine) command(args ...string) []string {
	return append([]string{"nsenter", "--mount", "--net", fmt.Sprintf("--target=%d", e.keeper)}, args...)
}

// group is the engine's own control group, where there is one.
func (e engine) group() string { return "/sys/fs/cgroup/glassjar" + strconv.Itoa(e.keeper) }

// grouped is command for one that is to run in the group, with all that it starts.
func (e engine) grouped(args ...string) []string {
	return e.command(append([]string{"sh", "-ec", `mkdir -p "$0"; echo $$ >"$0"/cgroup.procs; exec "$@"`, e.group()}, args...)...)
}

// end ends all containers and removes the group.
func (e engine) end() {
	_, _ = e.podman("rm", "--all", "--force", "--time=0")
	(&program{t: e.t, stderr: new(output)}).eventually("the control group is empty", func() bool {
		_, err := e.output(e.command("sh", "-c", `[ ! -e "$0" ] || find "$0" -depth -type d -exec rmdir {} +`, e.group()), "")
		return err == nil
	})
}

func (e engine) podman(args ...string) (said string, err error) {
	return e.output(e.command(append([]string{"podman"}, args...)...), "")
}

func (e engine) output(command []string, input string) (said string, err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdin = e.settings, strings.NewReader(input)
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

// image builds the image from .ci/Containerfile, unchanged, with the name in the compose
// file.
func (e engine) image() {
	e.t.Helper()
	e.golang()
	source, err := filepath.Abs("../..")
	if err != nil {
		e.t.Fatal(err)
	}
	if said, err := e.podman("build", "--isolation=chroot", "--pull-never", "--format=docker", "--tag=glassjar",
		"--volume=/usr:/usr:ro", "--volume=/etc/ssl:/etc/ssl:ro",
		"--volume="+goenv(e.t, "GOROOT")+":/go/root:ro",
		"--volume="+goenv(e.t, "GOMODCACHE")+":/go/pkg/mod",
		"--volume="+goenv(e.t, "GOCACHE")+":/go/cache",
		"--file="+source+"/.ci/Containerfile", source); err != nil {
		e.t.Fatalf("%v: %s", err, said)
	}
}

// A test of containers is skipped only when the kernel refuses, not when a command of the
// test is wrong.
func TestSkipsOnlyWhereTheKernelRefuses(t *testing.T) {
	for said, want := range map[string]bool{
		"unshare: unshare failed: Operation not permitted":                               true,
		"Error: crun: mknod `/dev/null`: Operation not permitted: OCI permission denied": true,
		"mkdir: cannot create directory '/sys/fs/cgroup/a': Read-only file system":       true,
		"mount: /sys/fs/cgroup: unknown filesystem type 'cgroup2'.":                      true,
		"":                                  false,
		"sh: 1: mont: not found":            false,
		"Error: unknown flag: --isolations": false,
		"Error: creating build container: golang:1.26: image not known":      false,
		"Error: netavark: code: 1, msg: iptables: No chain/target/match":     false,
		"cp: error writing '/a/caddy': No space left on device":              false,
		"unshare: failed to execute nonesuch: No such file or directory":     false,
		"Error: name \"booted\" is in use: container already exists":         false,
		"nsenter: reassociate to namespace 'ns/mnt' failed: No such process": false,
	} {
		if got := kernelRefuses.MatchString(said); got != want {
			t.Errorf("%q: got %t, want %t", said, got, want)
		}
	}
}
