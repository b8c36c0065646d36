package process

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"glassjar/utl/browsertest"
)

// On a busy machine Chromium sometimes ends while it starts. It is started once more.
func TestChromiumThatDoesNotStart(t *testing.T) {
	chromium := browsertest.Need(t)
	once, program := filepath.Join(t.TempDir(), "once"), filepath.Join(t.TempDir(), "chromium")
	script := fmt.Sprintf("#!/bin/sh\n[ -e %[1]q ] && exec %[2]q \"$@\"\necho 'not now' >%[1]q\nexit 1\n", once, chromium)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t, chromedp.ExecPath(program))
	p.Open("data:text/html,<h1>Started</h1>")
	p.Sees("Started")
	if _, err := os.Stat(once); err != nil {
		t.Error("the first start did not fail: ", err)
	}
}
