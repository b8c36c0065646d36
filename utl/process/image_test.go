package process

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"glassjar/utl/proxytest"
)

// image is the image of .ci/Containerfile, as far as running it is concerned.
type image struct {
	root       string // folder with its files
	env        []string
	user, dir  string
	entrypoint []string
	health     []string
}

// built follows .ci/Containerfile: it runs the commands of the first stage here, with
// another folder for /out, and makes the image of what the second stage copies.
func built(t *testing.T) image {
	t.Helper()
	text, err := os.ReadFile("../../.ci/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	first, second, ok := strings.Cut(string(text), "\nFROM scratch\n")
	if !ok {
		t.Fatal("the last stage is not made from scratch")
	}
	i, out := image{root: t.TempDir()}, t.TempDir()
	for line := range strings.Lines(first) {
		if command, ok := strings.CutPrefix(line, "RUN "); ok {
			cmd := exec.Command("sh", "-ec", strings.ReplaceAll(command, "/out", out))
			cmd.Dir = "../.."
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, said)
			}
		}
	}
	for line := range strings.Lines(second) {
		i.follow(t, strings.TrimSpace(line), out)
	}
	return i
}

// follow follows one instruction of the last stage.
func (i *image) follow(t *testing.T, line, out string) {
	t.Helper()
	instruction, rest, _ := strings.Cut(line, " ")
	var err error
	switch instruction {
	case "":
	case "COPY":
		args := slices.DeleteFunc(strings.Fields(rest), func(arg string) bool { return strings.HasPrefix(arg, "--") })
		from, to := strings.Replace(args[0], "/out", out, 1), filepath.Join(i.root, args[1])
		err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), exec.Command("cp", "-R", from, to).Run())
		for option := range strings.FieldsSeq(rest) {
			if owner, ok := strings.CutPrefix(option, "--chown="); ok {
				err = errors.Join(err, exec.Command("chown", "-R", owner, to).Run())
			}
			if mode, ok := strings.CutPrefix(option, "--chmod="); ok {
				err = errors.Join(err, exec.Command("chmod", "-R", mode, to).Run())
			}
		}
	case "ENV":
		i.env = append(i.env, rest)
	case "USER":
		i.user = rest
	case "WORKDIR":
		i.dir = rest
	case "ENTRYPOINT":
		err = json.Unmarshal([]byte(rest), &i.entrypoint)
	case "HEALTHCHECK":
		_, command, _ := strings.Cut(rest, "CMD ")
		err = json.Unmarshal([]byte(command), &i.health)
	case "VOLUME", "EXPOSE":
	default:
		t.Fatalf("this test does not know %s", instruction)
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

// inside returns the words before a command that run it in the image: its files are the
// whole file system, read-only except for the volume.
func (i image) inside() []string {
	uid, gid, _ := strings.Cut(i.user, ":")
	const script = `mount --bind "$1" "$1"; mount --bind "$1/data" "$1/data"; mount -o remount,ro,bind "$1"
root=$1 uid=$2 gid=$3 dir=$4; shift 4
exec unshare --root="$root" --wd="$dir" --setgid="$gid" --setuid="$uid" "$@"`
	return []string{"unshare", "--mount", "sh", "-ec", script, "sh", i.root, uid, gid, i.dir}
}

// compose is the content of the compose file about its services.
type compose struct {
	Services map[string]struct {
		Environment map[string]string
		ReadOnly    bool `yaml:"read_only"`
		Volumes     []string
		Networks    map[string]struct {
			Address string `yaml:"ipv4_address"`
		}
	}
	Configs map[string]struct{ Content string }
}

// The program runs with only the image's files, read-only except for /data, as the
// compose file says, and the image's health check works. The test is skipped if mount
// namespaces are not allowed here.
func TestImage(t *testing.T) {
	t.Parallel()
	if said, err := exec.Command("env", "LC_ALL=C", "unshare", "--mount", "sh", "-ec", `mount --bind "$1" "$1"; exec unshare --root=/ --setuid=65532 true`, "sh", t.TempDir()).CombinedOutput(); err != nil {
		unlessRefused(t, "no mounts of one's own", err, string(said))
	}
	i := built(t)
	i.holdsTheProgramAlone(t)
	_, port, _ := strings.Cut(proxytest.Free(t), ":")
	env := composedEnv(t, i, port)
	if got := i.asked(env); got != 1 {
		t.Errorf("before the start its health is %d", got)
	}
	p := spawnInside(t, i, env)
	p.port = port
	p.eventually("it is healthy", func() bool { return i.asked(env) == 0 })
	for _, name := range []string{".env", "glassjar.db"} {
		info, err := os.Stat(filepath.Join(i.root, "data", name))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: got %v, error %v", name, info, err)
		}
	}
	newBrowser(p).get(t, "/readyz", http.StatusOK)
	p.stop()
	if got := i.asked(env); got != 1 {
		t.Errorf("after the end its health is %d", got)
	}
}

// holdsTheProgramAlone fails the test unless the image has the program and the TLS root
// certificates, and no other file.
func (i image) holdsTheProgramAlone(t *testing.T) {
	t.Helper()
	var files []string
	if err := filepath.Walk(i.root, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			files = append(files, strings.TrimPrefix(path, i.root))
		}
		return err
	}); err != nil || !slices.Equal(files, []string{"/etc/ssl/certs/ca-certificates.crt", "/glassjar"}) {
		t.Fatalf("the image holds %v, error %v", files, err)
	}
}

// composedEnv returns the environment of the program in the compose file, but with
// another port, because its own may be in use.
func composedEnv(t *testing.T, i image, port string) []string {
	t.Helper()
	glassjar := composed(t).Services["glassjar"]
	if !glassjar.ReadOnly || !slices.Equal(glassjar.Volumes, []string{"data:/data"}) {
		t.Fatalf("got %+v", glassjar)
	}
	env := i.env
	for name, value := range glassjar.Environment {
		env = append(env, name+"="+value)
	}
	for n, one := range env {
		env[n] = strings.Replace(one, "ADDR=:8080", "ADDR=:"+port, 1)
	}
	return env
}

// asked runs the health check in the container, as an engine does, and returns the exit code.
func (i image) asked(env []string) int {
	cmd := exec.Command(i.inside()[0], append(i.inside()[1:], i.health...)...)
	cmd.Env = environment(env)
	_ = cmd.Run() // only the exit code matters
	return cmd.ProcessState.ExitCode()
}

// spawnInside starts the image's program.
func spawnInside(t *testing.T, i image, env []string) *program {
	t.Helper()
	if !slices.Equal(i.entrypoint, []string{"/glassjar"}) {
		t.Fatalf("the image runs %v", i.entrypoint)
	}
	p := spawnCommand(t, append(i.inside(), i.entrypoint...), nil, t.TempDir(), env...)
	p.serves()
	return p
}

func composed(t *testing.T) (c compose) {
	t.Helper()
	text := printed(t, "container", "PUBLIC_URL=https://jar.example", "GATE_HOSTS=app.example,*.apps.example")
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The Caddyfile in the compose file is Caddy's recipe, which other tests run, with
// glassjar's name there; and Caddy is the trusted proxy.
func TestCompose(t *testing.T) {
	t.Parallel()
	c := composed(t)
	got := strings.ReplaceAll(c.Configs["caddyfile"].Content, "$$", "$")
	want := string(printed(t, "caddy", "PUBLIC_URL=https://jar.example", "GATE_HOSTS=app.example,*.apps.example", "ADDR=glassjar:8080"))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := c.Services["glassjar"].Environment, c.Services["caddy"].Networks["default"].Address; got["TRUSTED_PROXIES"] != want || want == "" || got["GATE_HOSTS"] != "app.example,*.apps.example" {
		t.Errorf("got %v, want Caddy's address %s trusted", got, want)
	}
}
