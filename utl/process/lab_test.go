package process

import (
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"glassjar/utl/anatomy"
	"glassjar/utl/browsertest"
)

// lesson is the way through the lab.
type lesson struct {
	*browsertest.Page

	t    *testing.T
	s    *program
	done map[string]bool // the questions of the worksheet that were done
}

// did records that the worksheet's questions were done, and their answers seen.
func (p lesson) did(questions ...string) {
	for _, q := range questions {
		p.done["q-"+q] = true
	}
}

// sheet fails the test unless every question of the worksheet was done.
func (p lesson) sheet() {
	p.Open(p.s.url + "/lab/sheet")
	asked := browsertest.Value[[]string](p.Page, `[...document.querySelectorAll("li[id]")].map(e => e.id)`)
	for _, q := range asked {
		if !p.done[q] {
			p.t.Errorf("nobody did what the worksheet asks in %s", q)
		}
	}
	if len(asked) != len(p.done) {
		p.t.Errorf("the worksheet asks %d questions, %d were done", len(asked), len(p.done))
	}
}

// TestLabInABrowser goes through the lab with the mouse, and sees each answer of the
// worksheet happen.
func TestLabInABrowser(t *testing.T) {
	p := lesson{browsertest.Open(t), t, start(t, t.TempDir()), map[string]bool{}}
	p.MakeAccount(p.s.url+p.s.firstLink(), "ada", good)
	p.request()
	p.session()
	p.cookie()
	p.key()
	p.forges()
	p.Quiet()
	p.fixation()
	p.attributes()
	p.wire()
	p.password()
	p.code()
	p.passkey()
	p.sheet()
	p.s.must("", "keys", "rotate")
	p.s.eventually("the lab refuses what an old key signed", func() bool {
		p.Open(p.s.url + "/lab/cookie")
		return browsertest.Value[bool](p.Page, `!!document.querySelector(".notice")`)
	})
}

// step is what to press, if anything, and what the selector then reads.
type step struct{ press, selector, reads string }

func (p lesson) walk(steps ...step) {
	p.t.Helper()
	for _, s := range steps {
		if s.press != "" {
			p.Press(s.press)
		}
		p.Reads(s.selector, s.reads)
	}
}

func (p lesson) request() {
	const args, form = "#args + table td", "#form + table td"
	search := func(want string) {
		p.t.Helper()
		if got := browsertest.Value[string](p.Page, `location.search`); got != want {
			p.t.Errorf("the address ends in %q, want %q", got, want)
		}
	}
	p.Open(p.s.url + "/lab")
	p.walk(step{"A form arrives", "h1", "Your request, taken apart"},
		step{"Send with GET", args, "username ada sub1 cookies"}, step{"", form, ""})
	search("?username=ada&sub1=cookies")
	p.walk(step{"Send with POST", form, "username ada sub1 cookies"}, step{"", args, ""})
	search("")
	p.walk(step{"Send without method", args, "username ada sub1 cookies"},
		step{"", "#forgives", `""`}, step{"", "#strict", "400 Bad Request: there is no colour"},
		step{"Ask again with colour=green", "#strict", `"green"`},
		step{"Next: the session", ".entries li div", "rolereader visits1"})
	p.did("get", "post", "none", "missing")
}

func (p lesson) session() {
	const entries = ".entries li div"
	p.Do(chromedp.SendKeys(chromedp.ID("key"), "colour"), chromedp.SendKeys(chromedp.ID("value"), "green"))
	p.walk(step{"Add or change", "#said", "colour is now green."}, step{"", entries, "colourgreen rolereader visits1"},
		step{"Next: the cookie, taken apart", "#anatomy .part.p dt", "colour role visits"})
	p.Open(p.s.url + "/lab/session")
	p.walk(step{"", entries, "colourgreen rolereader visits2"}, step{"Pop", "#said", "colour is gone. Its value was green."},
		step{"Add 3,000 letters", "#problem h2", "There is a problem"}, step{"", entries, "rolereader visits2"})
	p.Open(p.s.url + "/lab/request")
	if got := browsertest.Value[string](p.Page, `document.querySelector("#cookies + table").textContent`); !strings.Contains(got, "lab") {
		p.t.Errorf("the request's cookies are %q", got)
	}
	p.did("add", "pop", "much", "cookies")
	p.Open(p.s.url + "/lab/session")
	p.walk(step{"", entries, "rolereader visits3"}, step{"Clear", entries, ""},
		step{"Next: the cookie, taken apart", "h1", "A signed cookie, taken apart"})
}

// invalid is securecookie's error for a changed cookie.
const invalid = "securecookie: the value is not valid"

func (p lesson) cookie() {
	const verdict, why = "#verdict h3", "#verdict code"
	// The colour when its transition has ended.
	const lit = `(getComputedStyle(document.querySelector(".raw .p")).color,
		Promise.all(document.getAnimations().map(a => a.finished)).then(() => getComputedStyle(document.querySelector(".raw .p")).backgroundColor))`
	if p.Do(chromedp.Focus(chromedp.CSS(".part.p"))); browsertest.Value[string](p.Page, lit) == "rgba(0, 0, 0, 0)" {
		p.t.Error("a part has the focus, and its twin in the value does not light up")
	}
	p.walk(step{"Make me admin", verdict, "Refused"}, step{"", why, invalid},
		step{"Make it a year old", verdict, "Refused"}, step{"", why, "securecookie: expired timestamp"},
		step{"Swap its name", verdict, "Refused"}, step{"", why, invalid},
		step{"Start over", verdict, "Accepted"}, step{"", why, ""})
	p.Do(chromedp.SendKeys(chromedp.ID("value"), kb.Home+"A"))
	p.walk(step{"Ask the server", verdict, "Refused"}, step{"Next: the key", "#lab-key", ""})
	p.did("read", "admin", "old")
}

// attributes tries, with a script and with another site's form, what a cookie's
// attributes forbid.
func (p lesson) attributes() {
	p.Open(p.s.url + "/lab/cookie")
	p.Do(chromedp.Click(chromedp.CSS("[data-try=read]")), chromedp.Click(chromedp.CSS("[data-try=host]")))
	p.walk(step{"", "[data-try=read] + output", "It wrote lab-try, and reads: lab-try."},
		step{"", "[data-try=host] + output", "With Path=/lab: refused; with a Domain: refused; with Path=/ and no Domain: kept."})
	held := func() string {
		p.Open(p.s.url + "/lab/session")
		return browsertest.Value[string](p.Page, `document.querySelector(".entries").textContent`)
	}
	before := held()
	p.Open(p.s.url + "/lab/cookie")
	p.walk(step{"Open another site's page", "h1", "A page of another site"}, step{"Take the prize", "h1", "Refused"})
	p.did("script", "elsewhere")
	if after := held(); !strings.Contains(before, "visits") || !strings.Contains(after, "visits") {
		p.t.Errorf("the session held %q, and after another site's form %q", before, after)
	}
}

func (p lesson) key() {
	p.walk(step{"Sign it with the key", "#lab-key", ""},
		step{"Ask the server about it", "#verdict h3", "Accepted"}, step{"", "#verdict code", ""},
		step{"Next: the key", "#plain-payload", `{"role":"reader","visits":1}`})
	if got := browsertest.Value[string](p.Page, `document.querySelector("#sealed-payload").textContent`); strings.Trim(got, "0123456789abcdef ") != "" {
		p.t.Errorf("the encrypted payload reads %q", got)
	}
	p.walk(step{"Change one letter of it", "#verdict h3", "Refused"}, step{"", "#verdict code", invalid})
	p.did("sign", "sealed")
}

// forges fails the test if the site accepts ada's session signed with the lab's key, or
// the lab accepts ada's session cookie.
func (p lesson) forges() {
	all, err := chromedp.Call(p.Ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	i := slices.IndexFunc(all.Cookies, func(c *network.Cookie) bool { return c.Name == "glassjar" })
	session, err := anatomy.Parse("glassjar", all.Cookies[i].Value)
	says, err2 := session.JSON()
	if err := errors.Join(err, err2); err != nil {
		p.t.Fatal(err)
	}
	p.Fill("name", "glassjar")
	p.Fill("payload", says)
	p.Press("Sign it with the key")
	forged := network.SetCookieParams{Name: "glassjar", Value: browsertest.Value[string](p.Page, `document.querySelector("#signed").textContent`), URL: p.s.url, HTTPOnly: new(true)}
	p.walk(step{"Ask the server about it", "#verdict h3", "Accepted"})
	p.Fill("value", session.Value)
	p.walk(step{"Ask the server", "#verdict h3", "Refused"})
	p.Open(p.s.url + "/account")
	p.Sees("Your account")
	if _, err := chromedp.Call(p.Ctx, network.SetCookie, forged); err != nil {
		p.t.Fatal(err)
	}
	p.Open(p.s.url + "/account")
	p.Sees("Sign in")
	p.did("forge")
}

// fixation signs in twice.
func (p lesson) fixation() {
	sid := func() string {
		p.Open(p.s.url + "/")
		p.Submit("ada", good)
		p.Has(".who button")
		p.Open(p.s.url + "/lab/cookie")
		return browsertest.Value[string](p.Page, `document.querySelector("#own .part.p dd:nth-of-type(2)").textContent`)
	}
	first := sid()
	p.SignOut()
	if second := sid(); len(first) < 20 || first == second {
		p.t.Errorf("the sid was %q, and after another sign-in it is %q", first, second)
	}
	p.did("sid")
}

func (p lesson) wire() {
	p.Open(p.s.url + "/lab/wire")
	p.Fill("secret", "midnight")
	p.walk(step{"Send it both ways", "#http mark", "midnight"})
	if found := browsertest.Value[string](p.Page, `document.querySelector("#tls").textContent`); strings.Contains(found, "midnight") || found == "" {
		p.t.Errorf("over https a listener reads %q", found)
	}
	p.did("http", "tls")
}

func (p lesson) password() {
	const parts = `["t", "p", "s"].map(c => document.querySelector("#hash ." + c).textContent == document.querySelector("#again ." + c).textContent).join()`
	p.Open(p.s.url + "/lab/password")
	p.Fill("password", "password1")
	p.walk(step{"Keep it twice", "#verdict h3", "On the list"})
	if got := browsertest.Value[string](p.Page, parts); got != "true,false,false" {
		p.t.Errorf("settings, salt and hash are the same: %s", got)
	}
	ratio := browsertest.Value[float64](p.Page, `(n => n(1) / n(2))(i => +document.querySelector(".costs tbody tr:nth-child(" + i + ") td:nth-child(3)").textContent.replaceAll(",", ""))`)
	if ratio < 1000 {
		p.t.Errorf("the fast function makes %v times as many guesses", ratio)
	}
	p.did("twice", "slow", "common")
}

func (p lesson) code() {
	const digits = `document.querySelector("#digits").textContent`
	p.Open(p.s.url + "/lab/code")
	secret, err := base32.StdEncoding.DecodeString(browsertest.Value[string](p.Page, `document.querySelector("#secret").textContent.replaceAll(" ", "")`))
	if err != nil {
		p.t.Fatal(err)
	}
	shown, now := browsertest.Value[string](p.Page, digits), anatomy.StepAt(time.Now())
	if shown != anatomy.NewCode(secret, now).Digits && shown != anatomy.NewCode(secret, now-1).Digits {
		p.t.Errorf("the page shows %s", shown)
	}
	p.Fill("code", shown)
	p.walk(step{"Ask the server", "#verdict h3", "Accepted"}, step{"Ask the server", "#verdict h3", "Refused"})
	p.did("digits", "again")
}

// passkey lets the server simulate a device, and then uses the browser's own.
func (p lesson) passkey() {
	const verdict = "#verdict h3"
	p.Open(p.s.url + "/lab/passkey")
	p.walk(step{"No device? Let the server play one", verdict, "Accepted"}, step{"", ".part.t dd", "an answer the one above ours"},
		step{"Another origin", verdict, "Refused"}, step{"", "#verdict .no", "Origin: not this site's, or inside another site's page"},
		step{"One bit of the signature", "#verdict .no", "Signature does not match"}, step{"Send it once more", "#verdict .no", "Used already"},
		step{"Forget this passkey", "#kept", ""})
	p.Device().Touched(true)
	p.walk(step{"Make a passkey with my device", "#kept", "What the server keeps"},
		step{"Answer with my device", verdict, "Accepted"}, step{"", "#kept + .tag", ""}, step{"One bit of the signature", verdict, "Refused"})
	p.did("challenge", "origin", "bit")
}
