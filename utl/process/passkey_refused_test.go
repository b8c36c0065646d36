package process

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/browsertest"
	"glassjar/utl/passkey"
)

// Attack factors/passkey: answers signed by a real browser's device are refused if they
// are for another site, late, or sent twice. The test sets the site's clock.
func TestAnswersOfABrowserThatAreRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, func(c *handlers.Config) { c.PublicURL = webtest.Parse(t, "http://jar.localhost") })
	s.Add(t, "ada", account.Owner)
	p := browsertest.Open(t, chromedp.Flag("host-resolver-rules", "MAP *.localhost "+s.Listener.Addr().String()))
	f := forger{p, p.Device()}
	p.Open(s.Public() + "/auth")
	p.Submit("ada", webtest.Good)
	p.Sees("Hello, ada")
	p.Open(s.Public() + "/account/passkeys")
	f.d.Touched(true)
	p.Press("Add a passkey")
	p.Sees("Your recovery codes")
	f.d.Touched(false)
	p.SignOut()

	const no = "That passkey does not sign you in here. Use your password, or another passkey."
	own := f.d.Passkeys()[0]
	theirs := *own
	theirs.RpID = "evil.localhost"
	f.d.Put(&theirs)
	answer := f.answer(s.Public(), "http://evil.localhost", "evil.localhost")
	f.d.Put(own)
	f.send(s.Public(), answer)
	f.refused(no)

	answer = f.answer(s.Public(), s.Public(), "jar.localhost")
	s.Clock.Move(passkey.Life)
	f.send(s.Public(), answer)
	f.refused("That took too long. Try once more.")

	answer = f.answer(s.Public(), s.Public(), "jar.localhost")
	f.send(s.Public(), answer)
	p.Sees("Hello, ada")
	p.SignOut()
	f.send(s.Public(), answer)
	f.refused(no)
	p.Quiet("status of 4") // from the refused answers and the other site
}

// forger is a browser that sends arbitrary answers.
type forger struct {
	*browsertest.Page

	d *browsertest.Device
}

// answer returns what the device signs for the site's sign-in form with this RP ID, on a
// page of the origin that does not request a passkey itself. It asks until Chromium has
// ended the request of the form's own page, which it does some time after leaving it.
func (f forger) answer(site, origin, rpID string) string {
	f.Open(site + "/auth")
	options := browsertest.Value[string](f.Page, `document.querySelector("form[data-autofill]").dataset.options`)
	f.Open(origin + "/healthz")
	f.d.Touched(true)
	defer f.d.Touched(false)
	return browsertest.Value[string](f.Page, fmt.Sprintf(`(async () => {
		const o = JSON.parse(%q).publicKey;
		o.rpId = %q;
		for (;;) {
			try {
				const made = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(o) });
				return JSON.stringify(made.toJSON());
			} catch (err) {
				if (!err.message.includes("already pending")) throw err;
			}
		}
	})()`, options, rpID))
}

// send sends the answer with the site's form.
func (f forger) send(site, answer string) {
	f.Open(site + "/auth")
	f.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		document.documentElement.id = "old";
		const form = document.querySelector("form[data-autofill]");
		form.elements.answer.value = %q;
		form.submit();
	}`, answer)))
}

func (f forger) refused(why string) {
	f.Has("html:not(#old) #problem")
	f.Reads("#problem p", why)
}
