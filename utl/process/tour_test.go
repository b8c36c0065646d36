package process

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"glassjar/utl/browsertest"
)

// account visits an owner's pages, from the first link to the sign-out.
func (p tour) account() {
	link := p.s.firstLink()
	p.visit("join", link, "Make your account")
	p.MakeAccount(p.s.url+link, "ada", good)
	p.look("home")
	p.visit("account-events", "/account/events", "What happened")
	p.visit("account", "/account", "Your account")
	p.visit("account-profile", "/account/profile", "Profile")
	p.visit("account-data", "/account/data", "Download your data")
	p.visit("account-delete", "/account/delete", "Delete your account")
	p.Fill("confirm", "somebody")
	p.Press("Delete my account")
	p.look("account-delete-refused")
	p.visit("account-prove", "/account/prove?next=/account/app-passwords", "Confirm that it is you")
	p.visit("step-up", "/auth/step-up?next=http://localhost/", "One more step")
	p.visit("account-password", "/account/password", "Change your password")
	p.visit("account-recovery-none", "/account/recovery", "Recovery codes")
	p.passkeys()
	p.factors()
	p.visit("account-app-passwords-none", "/account/app-passwords", "App passwords")
	p.Do(chromedp.SendKeys(chromedp.ID("name"), "backup"), chromedp.Submit(chromedp.ID("name")))
	p.Has("#secret")
	p.look("account-app-password-made")
	p.visit("account-app-passwords", "/account/app-passwords", "App passwords")
	p.visit("lab-cookie-own", "/lab/cookie", "A signed cookie, taken apart")
	p.people()
	p.gate()
	p.visit("sign-out", "/logout", "Sign out")
	p.Do(chromedp.Click(chromedp.CSS("main button")))
	p.Sees("Sign in")
}

// passkeys visits the page of a person's own passkeys.
func (p tour) passkeys() {
	d := p.Device()
	d.Touched(true)
	p.visit("account-passkeys-none", "/account/passkeys", "Passkeys")
	p.Press("Add a passkey")
	p.Sees("Your recovery codes")
	p.look("account-recovery-made")
	p.visit("account-passkeys", "/account/passkeys", "Passkeys")
	p.visit("account-prove-passkey", "/account/prove?next=/account/passkeys", "Confirm that it is you")
	p.visit("account-passkeys", "/account/passkeys", "Passkeys")
	p.Press("Add a passkey")
	p.look("account-passkeys-refused")
	p.Press("Rename")
	p.look("account-passkey")
	d.Touched(false)
}

// factors visits the pages of a person's own authenticator app and recovery codes.
func (p tour) factors() {
	p.visit("account-code-setup", "/account/code", "Set up an authenticator app")
	if size := browsertest.Value[int](p.Page, `document.querySelector("img.qr").naturalWidth`); size < 200 {
		p.t.Errorf("the picture is %d pixels wide", size)
	}
	p.Fill("code", "12345")
	p.Press("Turn it on")
	p.look("account-code-refused")
	secret := browsertest.Value[string](p.Page, `document.querySelector("#secret").textContent`)
	code, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	p.Fill("code", code)
	p.Press("Turn it on")
	p.Sees("Authenticator app")
	p.visit("account-unsaved", "/account", "Your account")
	p.Press("I have saved them")
	p.look("account-saved")
	p.visit("account-recovery", "/account/recovery", "Recovery codes")
	p.visit("account-code", "/account/code", "Authenticator app")
	p.Press("Turn it off")
	p.Sees("Your account")
}

// people visits an owner's pages about people.
func (p tour) people() {
	p.visit("people-1", "/people", "People")
	p.visit("people-audit-1", "/people/audit?kind=link.used", "What happened")
	for i, name := range []string{"bob", "carol", "dan"} {
		p.s.must(good+"\n", "user", "add", name, "--password-stdin")
		p.s.must("", "user", "group", name, []string{"dev", "dev,ops", "office"}[i])
	}
	p.s.must("", "user", "disable", "dan")
	p.s.asks(p.t, "eve")
	p.visit("home-waiting", "/", "Hello, ada")
	p.visit("people", "/people", "People")
	p.visit("people-none", "/people?q=zz", "People")
	p.visit("people-invite", "/people/invite", "Invite somebody")
	p.Press("Make the link")
	p.look("people-invited")
	p.s.must("", "link", "join", "--role", "owner", "--email", "kim@site.example")
	p.s.must("", "link", "join", "--group", "dev,ops", "--days", "7")
	p.visit("people-invitations", "/people?q=carol", "People")
	p.visit("people-audit", "/people/audit", "What happened")
	p.visit("people-audit-none", "/people/audit?who=nobody", "What happened")
	p.visit("person", "/people/carol", "carol")
	p.visit("person-disabled", "/people/dan", "dan")
	p.visit("person-waiting", "/people/eve", "eve")
	p.visit("person-delete", "/people/bob/delete", "Delete bob?")
	p.mails()
	p.apps()
	p.Open(p.s.url + "/people/carol")
	p.Press("Make a reset link")
	p.look("person-reset")
	p.many()
}

// asks sends the form on /join.
func (p *program) asks(t *testing.T, username string) {
	t.Helper()
	a, err := newBrowser(p).try("/join", url.Values{"username": {username}, "password": {good}})
	if err != nil || a.status != http.StatusSeeOther {
		t.Fatalf("asking for an account: %d, %v", a.status, err)
	}
}

// mails visits the pages of links in mails.
func (p tour) mails() {
	p.s.must("", "user", "email", "bob", "bob@site.example")
	p.visit("confirm", p.box.link(p.s, "bob@site.example"), "Confirm the address")
	p.Press("Confirm")
	p.s.must("", "user", "email", "ada", "ada@site.example", "--confirmed")
	p.visit("account-notices", "/account", "Your account")
	p.s.must(good+"\n", "user", "password", "bob", "--password-stdin")
	p.visit("lock", p.box.link(p.s, "bob@site.example"), "Lock the account?")
	p.Press("Lock the account")
	p.visit("person-locked", "/people/bob", "bob")
}

func (p tour) signIn() {
	p.visit("not-found", "/nowhere", "Not found")
	p.visit("sign-in-deleted", "/?done=deleted", "Sign in")
	p.visit("sign-up", "/join", "Make your account")
	p.visit("sign-up-done", "/join?done=waiting", "Your account waits")
	p.Open(p.s.url + "/")
	p.Submit("eve", good)
	p.Has("#waiting")
	p.look("sign-in-waiting")
	p.visit("forgot", "/forgot", "Forgot your password?")
	p.Fill("username", "carol")
	p.Press("Mail me a link")
	p.look("forgot-sent")
	p.visit("sign-in-done", "/auth?done=locked", "Sign in")
	p.visit("sign-in", "/?next=/pages/", "Sign in")
	p.Submit("ada", "not this one")
	p.Has("#problem")
	p.look("sign-in-error")
	p.Open(p.s.url + "/?next=/pages/")
	p.Submit("ada", good) // who has a passkey as a second factor
	p.Sees("One more step, ada")
	p.look("auth-code")
	_, code, _ := strings.Cut(p.s.must("", "link", "reset", "ada"), "/reset/")
	p.visit("reset", "/reset/"+strings.TrimSpace(code), "Set a new password")
}

// signUp visits a stranger's pages of a site where everybody may create an account.
func (p tour) signUp() {
	box, folder := newPostbox(p.t)
	p.s, p.box = start(p.t, folder, "SIGNUP=open"), box
	p.s.must(good+"\n", "user", "add", "ada", "--role", "owner", "--password-stdin")
	for _, name := range []string{"eve", "fay"} {
		p.visit("sign-up-mail", "/join", "Make your account")
		p.Fill("username", "eve")
		p.Fill("password", good)
		p.Fill("email", name+"@site.example")
		p.Press("Mail me the link")
		p.Sees("Check your mail")
	}
	p.look("sign-up-sent")
	late := p.box.link(p.s, "fay@site.example")
	p.box.read = 0
	p.visit("sign-up-confirm", p.box.link(p.s, "eve@site.example"), "Make your account")
	p.Press("Make the account")
	p.Sees("Sign in")
	p.look("sign-up-made")
	p.visit("sign-up-taken", late, "Make your account")
	p.Open(p.s.url + "/")
	p.Submit("eve", good)
	p.Sees("Hello, eve")
	p.look("home-member")
}

func (p tour) lab() {
	p.visit("lab", "/lab", "See how a sign-in works")
	p.visit("lab-request", "/lab/request?username=ada&sub1=cookies", "Your request, taken apart")
	p.visit("lab-session", "/lab/session", "A session like a dictionary")
	p.Do(chromedp.Click(chromedp.CSS(".words summary")))
	p.look("lab-session-words")
	p.visit("lab-cookie", "/lab/cookie", "A signed cookie, taken apart")
	p.Press("Make me admin")
	p.look("lab-cookie-refused")
	p.visit("lab-elsewhere", "/lab/elsewhere", "A page of another site")
	p.Open(strings.Replace(p.s.url, "localhost", "127.0.0.1", 1) + "/lab/elsewhere")
	p.look("lab-elsewhere-foreign")
	p.Open(p.s.url + "/lab/key")
	p.Press("Show the lab's key")
	p.Press("Sign it with the key")
	p.look("lab-key-signed")
	p.Press("Change one letter of it")
	p.look("lab-key-refused")
	p.visit("lab-wire", "/lab/wire", "What a listener sees")
	p.Press("Send it both ways")
	p.look("lab-wire-sent")
	p.visit("lab-password", "/lab/password", "How a password is kept")
	p.Fill("password", "correct horse battery")
	p.Press("Keep it twice")
	p.look("lab-password-kept")
	p.visit("lab-code", "/lab/code", "Six digits from a secret and a clock")
	p.Fill("code", browsertest.Value[string](p.Page, `document.querySelector("#digits").textContent`))
	p.Press("Ask the server")
	p.Press("Ask the server")
	p.look("lab-code-refused")
	p.visit("lab-passkey", "/lab/passkey", "A passkey answers a challenge")
	p.Press("No device? Let the server play one")
	p.Press("Another origin")
	p.look("lab-passkey-refused")
	p.visit("lab-sheet", "/lab/sheet", "Worksheet: how a sign-in works")
	p.visit("lab-done", "/lab", "See how a sign-in works")
}
