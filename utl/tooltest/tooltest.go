// Package tooltest finds programs that tests need. If one is missing, the test is
// skipped, or fails in CI.
package tooltest

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of the program, and skips the test if it is missing.
func Need(t testing.TB, program string) (path string) {
	t.Helper()
	path, ok := Find(program)
	if !ok {
		Missing(t, program)
	}
	return path
}

// Find returns the path of the first of the programs that exists. It also searches
// /usr/sbin, where Debian has nginx and HAProxy.
func Find(programs ...string) (path string, ok bool) {
	for _, program := range programs {
		for _, name := range []string{program, "/usr/sbin/" + program} {
			if path, err := exec.LookPath(name); err == nil {
				return path, true
			}
		}
	}
	return "", false
}

// Missing skips the test because the tool is missing; with CI=true it fails it.
func Missing(t testing.TB, tool string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", tool)
	}
	t.Skipf("%s is missing (make test installs it): the test did not run", tool)
}
