// Package browsertest drives Chromium in tests, as a person would.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"glassjar/utl/tooltest"
)

// Page is a tab of the browser.
type Page struct {
	// Ctx is chromedp's, for calls that Page has no method for.
	Ctx context.Context

	t        testing.TB
	mu       sync.Mutex
	problems []string // messages in the console
}

// Open starts Chromium with the options, a second time if it does not start. It is stopped
// at the end of the test. Without Chromium the test is skipped, or fails in CI.
func Open(t testing.TB, options ...chromedp.ExecAllocatorOption) *Page {
	t.Helper()
	p := &Page{t: t}
	options = append(append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.ExecPath(Need(t))), options...)
	err := p.start(options)
	if err != nil {
		t.Log("Chromium did not start: ", err)
		err = p.start(options)
	}
	if err != nil {
		t.Fatal("Chromium did not start a second time: ", err)
	}
	p.listen()
	return p
}

// Need returns the path of Chromium, or of a relative of it. If there is none, it skips the
// test, or fails it in CI.
func Need(t testing.TB) (path string) {
	t.Helper()
	// The first is Chromium without windows, which starts in half the time. Debian's script
	// for it, in /usr/bin, stays between it and the test.
	path, ok := tooltest.Find("/usr/lib/chromium/chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell")
	if !ok {
		tooltest.Missing(t, "chromium")
	}
	return path
}

// start starts Chromium, and makes the page behave as if its window had the focus: otherwise
// newer Chromiums do not match :focus. After an error, the context cannot be used again.
func (p *Page) start(options []chromedp.ExecAllocatorOption) error {
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	p.t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	p.t.Cleanup(cancel)
	p.Ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	p.t.Cleanup(cancel)
	_, err := chromedp.Call(p.Ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return err
}

// listen records the messages in the console.
func (p *Page) listen() {
	console := chromedp.Console(p.Ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.problems = append(p.problems, fmt.Sprintf("%s: %s", m.Type, m.Text))
			p.mu.Unlock()
		}
	}()
}

// Quiet fails the test if the console has any message, except those that contain one of
// the texts.
func (p *Page) Quiet(but ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.problems {
		if !slices.ContainsFunc(but, func(text string) bool { return strings.Contains(line, text) }) {
			p.t.Errorf("the browser's console shows %q", line)
		}
	}
}

// Do runs the steps, and fails the test if one fails.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.Ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// again runs an action that may be run twice, and repeats it once if Chromium does not
// respond in time: on a busy machine a step of TestPages once never returned. The reason
// is not known.
func again[T any](p *Page, action chromedp.Action[T]) (got T) {
	p.t.Helper()
	err := context.DeadlineExceeded
	for try := 0; try < 4 && errors.Is(err, context.DeadlineExceeded); try++ {
		ctx, cancel := context.WithTimeout(p.Ctx, 30*time.Second)
		got, err = chromedp.Run(ctx, action)
		cancel()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}
