package process

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/proxytest"
)

// health runs glassjar health in the folder, with the server's settings.
func health(t *testing.T, folder string, settings []string) (code int, said string) {
	t.Helper()
	var out strings.Builder
	cmd := exec.CommandContext(context.Background(), binary, "health")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = folder, environment(settings), &out, &out
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		code = exit.ExitCode()
	}
	return code, out.String()
}

// glassjar health asks the server directly, whatever it listens on.
func TestHealth(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"http":            {"ADDR=" + proxytest.Free(t)},
		"every address":   {"ADDR=" + strings.Replace(proxytest.Free(t), "127.0.0.1", "", 1), "PUBLIC_URL=https://jar.example"},
		"a socket":        {"ADDR=unix:http.sock", "PUBLIC_URL=https://jar.example"},
		"https":           newTLS(t).settings,
		"https, a socket": append(slices.Clone(newTLS(t).settings), "ADDR=unix:http.sock"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			want := func(code int, words string) {
				t.Helper()
				if got, said := health(t, folder, settings); got != code || !strings.HasPrefix(said, words) {
					t.Errorf("exit code %d, %q; want %d, %q", got, said, code, words)
				}
			}
			want(1, "glassjar: nobody answers at ")
			p := start(t, folder, settings...)
			p.eventually("it is ready", func() bool { code, _ := health(t, folder, settings); return code == 0 })
			want(0, "ready\n")
			move(t, filepath.Join(folder, "glassjar.db"), filepath.Join(folder, "away.db"))
			want(1, "glassjar: the server answers, and is not ready")
			move(t, filepath.Join(folder, "away.db"), filepath.Join(folder, "glassjar.db"))
			want(0, "ready\n")
			p.stop()
		})
	}
	if code, said := health(t, t.TempDir(), []string{"ADDR=127.0.0.1:0"}); code != 1 || !strings.Contains(said, "the port in ADDR is 0") {
		t.Errorf("exit code %d, %q", code, said)
	}
}
