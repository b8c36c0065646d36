package browsertest

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
)

// Open opens the URL.
func (p *Page) Open(address string) {
	p.t.Helper()
	again(p, chromedp.Navigate(address))
}

// Sees waits until the page has this heading.
func (p *Page) Sees(heading string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelector("h1")?.textContent === %q`, heading))
}

// Has waits until the first element that the selector matches is visible.
func (p *Page) Has(selector string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`!!document.querySelector(%q)?.checkVisibility({visibilityProperty: true})`, selector))
}

// until waits for at most 20 s until the page has loaded and the expression is true. It asks
// again when a navigation interrupts it, and after 5 s without an answer: an answer may be
// lost with the page before.
func (p *Page) until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.Ctx, 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := chromedp.Run(once, chromedp.Poll[bool](`document.readyState === "complete" && `+expression))
		cancel()
		if err == nil {
			return
		}
	}
	text, err := chromedp.Run(p.Ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	p.t.Fatalf("it did not become true that %s; the page says (%v):\n%s", expression, err, text)
}

// Reads fails the test unless the elements that the selector matches have this text.
func (p *Page) Reads(selector, want string) {
	p.t.Helper()
	if got := Value[string](p, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent).join(" ")`, selector)); got != want {
		p.t.Errorf("%s: %s reads %q, want %q", p.Path(), selector, got, want)
	}
}

// Path returns the path of the page's URL.
func (p *Page) Path() string {
	p.t.Helper()
	return Value[string](p, `location.pathname`)
}

// Value evaluates the expression in the page and returns its value.
func Value[T any](p *Page, expression string) T {
	p.t.Helper()
	return again(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Keys types into the element with the focus.
func (p *Page) Keys(keys ...string) {
	p.t.Helper()
	p.drawn()
	for _, k := range keys {
		p.Do(chromedp.KeyEvent(k))
	}
}

// Fill sets the value of the field with the id.
func (p *Page) Fill(id, text string) {
	p.t.Helper()
	p.Do(chromedp.SetValue(chromedp.ID(id), text))
}

// drawn waits for the page's next frame, in which Chromium handles autofocus. Who takes the
// focus before it, as no person is quick enough to, gets a message in the console.
func (p *Page) drawn() {
	p.t.Helper()
	Value[bool](p, `new Promise(done => requestAnimationFrame(() => done(true)))`)
}

// Press clicks the link or button with the label, and waits for the next page.
func (p *Page) Press(label string) {
	p.t.Helper()
	p.drawn()
	p.Do(chromedp.Evaluate[chromedp.Void](`document.documentElement.id = "old"`),
		chromedp.Click(chromedp.Search(fmt.Sprintf(`//main//*[self::a or self::button][normalize-space()=%q]`, label))))
	p.Has(`html:not(#old) .foot`)
}

// SignOut clicks the button in the page's header.
func (p *Page) SignOut() {
	p.t.Helper()
	p.drawn()
	p.Do(chromedp.Click(chromedp.CSS(".who button")))
	p.Sees("Sign in")
}

// MakeAccount creates an account with the link of the first owner or of an invitation.
func (p *Page) MakeAccount(link, username, password string) {
	p.t.Helper()
	p.Open(link)
	p.Sees("Make your account")
	p.Submit(username, password)
	p.Sees("Hello, " + username)
}

// Submit sends the page's form with username and password.
func (p *Page) Submit(username, password string) {
	p.t.Helper()
	p.drawn()
	p.Do(chromedp.SendKeys(chromedp.ID("username"), username), chromedp.SendKeys(chromedp.ID("password"), password),
		chromedp.Submit(chromedp.ID("password")))
}
