package process

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"glassjar/utl/browsertest"
)

// withPasskey returns a server, a real browser in which ada has added a passkey and
// signed out, and the device with the passkey.
func withPasskey(t *testing.T) (*program, *browsertest.Page, *browsertest.Device) {
	t.Helper()
	s := start(t, t.TempDir())
	p := browsertest.Open(t)
	d := p.Device()
	p.MakeAccount(s.url+s.firstLink(), "ada", good)
	p.Open(s.url + "/account/passkeys")
	d.Touched(true)
	p.Press("Add a passkey")
	p.Reads(".notice.good", "Your passkey is added. You were signed out everywhere else.")
	p.Sees("Your recovery codes") // shown with the first passkey
	p.Open(s.url + "/account/passkeys")
	p.Press("Add a passkey") // a second time, in the same device
	p.Reads("#problem p", "This device has a passkey for you already.")
	d.Touched(false)
	p.SignOut()
	return s, p, d
}

// A passkey signs in with the button, from the autofill of the username's field, and
// after the password.
func TestPasskeysInABrowser(t *testing.T) {
	t.Parallel()
	s, p, d := withPasskey(t)
	byButton(p, d)
	p.Sees("Hello, ada")
	d.Touched(false)
	p.SignOut()

	p.Open(s.url + "/forgot") // away from the form, which offers passkeys already
	d.Touched(true)           // selects the passkey in the autofill of the next form
	p.Do(chromedp.Evaluate[chromedp.Void](`location = "/auth?next=/account"`))
	p.Sees("Your account")
	d.Touched(false)
	p.SignOut()

	p.Submit("ada", good)
	p.Sees("One more step, ada")
	d.Touched(true)
	p.Do(chromedp.Click(chromedp.CSS("form[data-options] button")))
	p.Sees("Hello, ada")
	p.Quiet("status of 422") // from adding a passkey twice
}

// A passkey is refused if its counter went back, if it belongs to somebody else, and
// after it was removed, which the device is told; the password still works.
func TestPasskeysThatAreRefusedInABrowser(t *testing.T) {
	t.Parallel()
	s, p, d := withPasskey(t)
	byButton(p, d) // so that its counter is stored
	p.Sees("Hello, ada")
	d.Touched(false)
	p.SignOut()
	kept := d.Passkeys()
	kept[0].SignCount = 0
	d.Put(kept[0])
	byButton(p, d)
	refused(p, d, "That passkey does not sign you in here. Use your password, or another passkey.")
	kept[0].SignCount = 50
	d.Put(kept[0])

	d.Knows(false)
	d.Touched(true)
	press(p)
	refused(p, d, "That did not work, or you stopped it. Try once more, or use your password.")
	d.Knows(true)

	p.Submit("ada", good)
	p.Sees("One more step, ada")
	d.Touched(true)
	p.Do(chromedp.Click(chromedp.CSS("form[data-options] button")))
	p.Sees("Hello, ada")
	d.Touched(false)
	p.Open(s.url + "/account/passkeys")
	p.Press("Remove")
	p.Reads(".notice.good", "Your passkey is removed. You were signed out everywhere else.")
	told(s, d)
	p.SignOut()
	kept[0].SignCount = 60
	d.Put(kept[0]) // as if the device had kept it
	byButton(p, d)
	refused(p, d, "That passkey does not sign you in here. Use your password, or another passkey.")
	told(s, d)
	p.Quiet("status of 422") // the refusals
}

// Some password managers leave the form's request for autofill without an answer, even when
// the page ends it. The button asks nevertheless. Pressed again it asks again, and ends what
// it asked before; a double click asks once.
func TestPasskeysWithoutAnAnswerInABrowser(t *testing.T) {
	t.Parallel()
	s, p, d := withPasskey(t)
	silent := page.AddScriptToEvaluateOnNewDocumentParams{Source: `{
		const get = navigator.credentials.get.bind(navigator.credentials);
		window.asked = [];
		navigator.credentials.get = (o) => {
			asked.push(o.mediation || "button");
			return o.mediation ? new Promise(() => {}) : get(o).catch((e) => { asked.push(e.name); throw e; });
		};
	}`}
	if _, err := chromedp.Call(p.Ctx, page.AddScriptToEvaluateOnNewDocument, silent); err != nil {
		t.Fatal(err)
	}
	p.Open(s.url + "/auth")
	asked := func(want string) {
		t.Helper()
		s.within(20*time.Second, "the page asks: "+want, func() bool { return browsertest.Value[string](p, `asked.join(" ")`) == want })
	}
	asked("conditional")
	second := chromedp.DoubleClick(chromedp.CSS("form[data-autofill] button")) // the second click only
	p.Do(second)
	asked("conditional button")
	p.Do(second)
	asked("conditional button")
	press(p)
	asked("conditional button button AbortError")
	d.Touched(true)
	press(p)
	p.Sees("Hello, ada")
	p.Quiet("status of 422") // from adding a passkey twice
}

// A security key without a PIN is refused as a passkey, can be added as a second step,
// signs in after the password, does not start a sign-in, and proves with the password who it
// is.
func TestAKeyWithoutAPINInABrowser(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	p := browsertest.Open(t)
	d := p.Key()
	p.MakeAccount(s.url+s.firstLink(), "ada", good)
	p.Open(s.url + "/account/passkeys")
	d.Touched(true)
	p.Press("Add a passkey")
	p.Has("#problem")
	p.Press("Add a security key")
	p.Sees("Your recovery codes")
	p.Open(s.url + "/account/passkeys")
	p.Reads("section[aria-labelledby=mine] .tag", "1")
	if text := browsertest.Value[string](p, `document.querySelector("section[aria-labelledby=mine] li").innerText`); !strings.Contains(text, "Second step only, after your password.") {
		t.Errorf("the list says %q", text)
	}
	d.Touched(false)
	p.SignOut()

	lying(p, d) // an unmodified browser waits for another device
	d.Touched(true)
	press(p)
	refused(p, d, "That passkey does not sign you in here. Use your password, or another passkey.")
	p.Submit("ada", good)
	p.Sees("One more step, ada")
	d.Touched(true)
	p.Press("Use a passkey")
	p.Sees("Hello, ada")

	p.Open(s.url + "/account/prove?next=/account/passkeys")
	p.Fill("current", other)
	p.Press("Confirm")
	p.Reads("#problem p", "The password is not right. Check it, then try again.")
	p.Fill("current", good)
	p.Press("Confirm")
	p.Sees("Passkeys")
	p.Quiet("status of 422") // the refusals
}

// lying makes the browser request the device's passkey without verifying its user, once
// somebody presses the button, whatever the page requests.
func lying(p *browsertest.Page, d *browsertest.Device) {
	id := base64.RawURLEncoding.EncodeToString(d.Passkeys()[0].CredentialID)
	p.Do(chromedp.Evaluate[chromedp.Void](`addEventListener("click", () => {
		const form = document.querySelector("form[data-autofill]"), o = JSON.parse(form.dataset.options);
		Object.assign(o.publicKey, { userVerification: "discouraged", allowCredentials: [{ type: "public-key", id: "` + id + `" }] });
		form.dataset.options = JSON.stringify(o);
	}, true)`))
}

// byButton presses the button and then touches the device. The page holds the request until
// then, because the device does not notice a touch that comes later.
func byButton(p *browsertest.Page, d *browsertest.Device) {
	p.Do(chromedp.Evaluate[chromedp.Void](`{
		const get = navigator.credentials.get.bind(navigator.credentials);
		window.asked = new Promise((asked) => {
			navigator.credentials.get = (o) => o.mediation ? get(o) : new Promise((touch) => { window.touch = touch; asked(true); }).then(() => get(o));
		});
	}`))
	press(p)
	browsertest.Value[bool](p, `asked`)
	d.Touched(true)
	p.Do(chromedp.Evaluate[chromedp.Void](`touch()`))
}

// press presses the button. It also marks the page, so that refused waits for the next.
func press(p *browsertest.Page) {
	p.Do(chromedp.Evaluate[chromedp.Void](`document.documentElement.id = "old"`), chromedp.Click(chromedp.CSS("form[data-autofill] button")))
}

// refused waits until the sign-in form says why, and stops touching the device.
func refused(p *browsertest.Page, d *browsertest.Device, why string) {
	p.Has("html:not(#old) #problem")
	p.Reads("#problem p", why)
	d.Touched(false)
}

// told waits until the device forgets its passkeys.
func told(s *program, d *browsertest.Device) {
	s.t.Helper()
	s.within(20*time.Second, "the device has no passkeys", func() bool { return len(d.Passkeys()) == 0 })
}
