// Package tooltest finds the programs that tests need beside Go. What is missing
// skips a test on a laptop, and fails it in CI.
package tooltest

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of the program, and skips the test without it.
func Need(t testing.TB, program string) (path string) {
	t.Helper()
	path, ok := Find(program)
	if !ok {
		Missing(t, program)
	}
	return path
}

// Find returns the path of the first of the programs that there is. It looks in
// /usr/sbin too, where Debian has nginx and HAProxy.
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

// Missing skips the test because the tool is missing; where CI=true, it fails it.
func Missing(t testing.TB, tool string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", tool)
	}
	t.Skipf("%s is missing (make test installs it): the test did not run", tool)
}
