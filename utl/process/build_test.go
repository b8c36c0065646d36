package process

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Two builds of the same files in two folders have the same bytes, so that people can
// compare their build with somebody else's. The flags are those of make run.
func TestBuildsAreAlike(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "main.go", "handlers", "static", "templates", "utl"} {
		if out, err := exec.Command("cp", "-R", filepath.Join("../..", name), folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", "glassjar", ".")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	other, err := os.ReadFile(filepath.Join(folder, "glassjar"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, other) {
		t.Errorf("a build of %d bytes here and one of %d in another folder differ", len(ours), len(other))
	}
}
