// Package programtest builds the program for tests that run it. All tests use the flags
// of make run, so that the build cache is shared.
package programtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds the program in the folder and returns its path.
func Build(folder string) (path string, err error) {
	path = filepath.Join(folder, "glassjar")
	return path, BuildPackage(path, "glassjar")
}

// BuildPackage builds the main package with the import path pkg as the file path.
func BuildPackage(path, pkg string) error {
	// #nosec G204 -- a test names the package
	cmd := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}
