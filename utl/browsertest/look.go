package browsertest

import (
	"bytes"
	"errors"
	"image"
	_ "image/png" // for Looks
	"os"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Scheme sets the page's colour scheme, light or dark.
func (p *Page) Scheme(name string) {
	p.t.Helper()
	want := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(p.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: want}); err != nil {
		p.t.Fatal(err)
	}
}

// Sends makes the browser send these headers with every request.
func (p *Page) Sends(header network.Headers) {
	p.t.Helper()
	if _, err := chromedp.Call(p.Ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: header}); err != nil {
		p.t.Fatal(err)
	}
}

// Fits sets the window's width, and fails the test if the page is wider.
func (p *Page) Fits(width int64) {
	p.t.Helper()
	again(p, chromedp.EmulateViewport(width, 800))
	if wide := Value[int64](p, `document.documentElement.scrollWidth`); wide > width {
		p.t.Errorf("%s is %d px wide at %d px", p.Path(), wide, width)
	}
}

// Picture saves the whole page as a PNG file.
func (p *Page) Picture(file string) {
	p.t.Helper()
	shot, err := chromedp.Run(p.Ctx, chromedp.FullScreenshot(100))
	if err := errors.Join(err, os.WriteFile(file, shot, 0o644)); err != nil {
		p.t.Fatal(err)
	}
}

// Looks returns a picture of the element.
func (p *Page) Looks(selector string) image.Image {
	p.t.Helper()
	seen, _, err := image.Decode(bytes.NewReader(again(p, chromedp.Screenshot(chromedp.CSS(selector)))))
	if err != nil {
		p.t.Fatal(err)
	}
	return seen
}

// Judge runs axe-core, whose script is given, and fails the test for each accessibility
// problem.
func (p *Page) Judge(axe string) {
	p.t.Helper()
	if Value[bool](p, `!window.axe`) {
		again(p, chromedp.Evaluate[chromedp.Void](axe+";0"))
	}
	const run = `axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html + "\n" + n.failureSummary)))`
	for _, wrong := range Value[[]string](p, run) {
		p.t.Errorf("%s: %s", p.Path(), wrong)
	}
}
