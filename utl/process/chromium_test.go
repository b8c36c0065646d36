package process

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"glassjar/utl/browsertest"
	"glassjar/utl/tooltest"
)

// On a busy machine Chromium sometimes ends while it starts. It is started once more.
func TestChromiumThatDoesNotStart(t *testing.T) {
	tooltest.Need(t, "chromium")
	once, program := filepath.Join(t.TempDir(), "once"), filepath.Join(t.TempDir(), "chromium")
	script := fmt.Sprintf("#!/bin/sh\n[ -e %[1]q ] && exec chromium \"$@\"\necho 'not now' >%[1]q\nexit 1\n", once)
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
