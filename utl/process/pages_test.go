package process

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/anatomy"
	"glassjar/utl/browsertest"
	"glassjar/utl/gate"
	"glassjar/utl/proxytest"
	"glassjar/utl/recipe"
	"glassjar/utl/tooltest"
)

// top is the folder of the repository.
const top = "../.."

var pictures = flag.Bool("pictures", false, "write the pages' pictures to .pictures/")

// tour is a way through all pages.
type tour struct {
	*browsertest.Page

	t      *testing.T
	s      *program
	box    *postbox
	axe    string // axe-core's script, or ""
	folder string // the pictures'
	seen   seen
}

// TestPages looks at every page in both schemes, on a phone and on a desk: no
// page may scroll sideways at 320 px, and axe-core finds nothing wrong.
func TestPages(t *testing.T) {
	axe := axeCore(t)
	box, folder := newPostbox(t)
	s := start(t, folder, "PAGES_DIR="+t.TempDir(), "GATE_HOSTS=*.apps.localhost,localhost", "SIGNUP=approve")
	p := tour{browsertest.Open(t), t, s, box, axe, filepath.Join(top, ".pictures"), newSeen()}
	p.account()
	p.signIn()
	p.lab()
	p.signUp()
	p.seen.all(t)
}

// look looks at the page that is open.
func (p tour) look(name string) {
	p.t.Helper()
	p.seen.look(p.Path())
	for _, scheme := range []string{"light", "dark"} {
		p.Scheme(scheme)
		for _, width := range []int64{320, 390, 1280} {
			p.Fits(width)
			if *pictures && width != 320 {
				p.Picture(filepath.Join(p.folder, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)))
			}
		}
		if p.axe != "" {
			p.Judge(p.axe)
		}
	}
}

func (p tour) visit(name, path, heading string) {
	p.t.Helper()
	p.Open(p.s.url + path)
	p.Sees(heading)
	p.look(name)
}

// account is what an owner sees, from the first link to signing out.
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
	p.Do(chromedp.SendKeys(chromedp.ID("name"), "backup"), chromedp.Submit(chromedp.ID("name")), chromedp.WaitVisible(chromedp.ID("secret")))
	p.look("account-app-password-made")
	p.visit("account-app-passwords", "/account/app-passwords", "App passwords")
	p.visit("lab-cookie-own", "/lab/cookie", "A signed cookie, taken apart")
	p.people()
	p.gate()
	p.visit("sign-out", "/logout", "Sign out")
	p.Do(chromedp.Click(chromedp.CSS("main button")))
	p.Sees("Sign in")
}

// passkeys is what one sees of one's own passkeys.
func (p tour) passkeys() {
	d := p.Device()
	d.Touched(true)
	p.visit("account-passkeys-none", "/account/passkeys", "Passkeys")
	p.Press("Add a passkey")
	p.Sees("Your recovery codes")
	p.look("account-recovery-made")
	p.visit("account-passkeys", "/account/passkeys", "Passkeys")
	p.Press("Add a passkey")
	p.look("account-passkeys-refused")
	p.Press("Rename")
	p.look("account-passkey")
	d.Touched(false)
}

// factors is what one sees of one's own authenticator app and recovery codes.
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

// apps is what an owner sees of what is behind the gate.
func (p tour) apps() {
	p.visit("apps-none", "/apps", "Apps")
	for i, name := range []string{"Photos", "files, and a name that is far too long for one line of a phone", "Calendar", "Tickets", "Éire"} { // the server knows in half a second
		p.s.must("", "app", "add", fmt.Sprintf("a%d.example", i), "--name", name)
	}
	p.visit("app-new", "/apps/new", "Add an app")
	p.Fill("name", "The wiki")
	p.Fill("host", "wiki.site.example")
	p.Fill("groups", "dev ops")
	p.Press("Add it")
	p.look("app")
	p.Fill("ask-url", "https://wiki.site.example/")
	p.Fill("ask-as", "bob")
	p.Press("Ask")
	p.look("app-explained")
	p.visit("apps", "/apps", "Apps")
	p.visit("home-apps", "/", "Hello, ada")
	p.appTest()
}

// appTest is what an owner sees of the test of an app: before, while it runs, and
// after it.
func (p tour) appTest() {
	goOn, asked := make(chan struct{}), atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 20 { // not earlier: something is to be seen
			<-goOn
		}
		switch {
		case r.Header.Get("Remote~user") != "": // a hole
		case r.Method == http.MethodPost: // unclear
			w.WriteHeader(http.StatusNotFound)
		default:
			http.Redirect(w, r, p.s.url+"/?next="+url.QueryEscape("http://"+r.Host+r.RequestURI), http.StatusFound)
		}
	}))
	p.t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	p.s.must("", "app", "add", "*.tested.localhost", "--name", "Many")
	p.s.must("", "app", "add", "app.localhost:"+port, "--name", "Tested")
	for _, name := range []string{"Many", "Tested"} {
		p.Open(p.s.url + "/apps")
		p.Press(name)
		p.Sees(name)
		p.Open(p.s.url + p.Path() + "/test")
		p.Sees("Test of " + name)
		p.look("app-test-none-" + strings.ToLower(name))
	}
	p.Press("Test it")
	p.Sees("Testing Tested")
	p.s.eventually("the 20th attack waits", func() bool { return asked.Load() == 20 })
	p.Open(p.s.url + p.Path())
	p.Do(chromedp.Evaluate[chromedp.Void](`window.stop()`)) // a page that loads itself again cannot be looked at
	p.look("app-test-running")
	close(goOn)
	p.Open(p.s.url + p.Path())
	p.Sees("Test of Tested") // by itself
	p.look("app-test")
}

// gate is what somebody sees on an app's host who may not pass: through nginx, which
// has to ask for the page, and as other proxies hand it on.
func (p tour) gate() {
	p.t.Run("behind nginx", p.behindNginx)
	asked := network.Headers{
		"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "wiki.apps.localhost", "X-Forwarded-Uri": "/a", "Authorization": "Bearer gj_x",
	}
	p.Sends(asked)
	p.visit("gate-app-password", "/gate/forward", "This app password is not right")
	asked["X-Forwarded-Host"] = "a-host-of-a-very-long-name-that-nobody-listed.site.example"
	p.Sends(asked)
	p.visit("gate-unlisted", "/gate/forward", "Host not listed")
	p.Sends(nil)
}

func (p tour) behindNginx(t *testing.T) {
	public, err := url.Parse(p.s.url)
	if err != nil {
		t.Fatal(err)
	}
	app := "wiki.apps.localhost"
	addr := proxytest.Nginx.Start(t, recipe.Site{
		PublicURL: public, Address: strings.Replace(public.Host, "localhost", "127.0.0.1", 1), Group: "dev",
		Apps: []recipe.App{{Host: app, Address: proxytest.Free(t)}},
	})
	_, port, _ := net.SplitHostPort(addr)
	p.Open("http://" + app + ":" + port + "/some/page")
	p.Sees("Not for ada")
	if got := browsertest.Value[string](p.Page, `location.host + " " + getComputedStyle(document.querySelector("main")).borderRadius`); got != app+":"+port+" 14px" {
		t.Errorf("the page and its style are %s", got)
	}
	p.look("gate-denied")
}

// people is what an owner sees of the site's people.
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

// asks asks for an account on /join.
func (p *program) asks(t *testing.T, username string) {
	t.Helper()
	a, err := newBrowser(p).try("/join", url.Values{"username": {username}, "password": {good}})
	if err != nil || a.status != http.StatusSeeOther {
		t.Fatalf("asking for an account: %d, %v", a.status, err)
	}
}

// mails is what links in mails lead to.
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
	p.Do(chromedp.WaitVisible(chromedp.ID("waiting")))
	p.look("sign-in-waiting")
	p.visit("forgot", "/forgot", "Forgot your password?")
	p.Fill("username", "carol")
	p.Press("Mail me a link")
	p.look("forgot-sent")
	p.visit("sign-in-done", "/auth?done=locked", "Sign in")
	p.visit("sign-in", "/?next=/pages/", "Sign in")
	p.Submit("ada", "not this one")
	p.Do(chromedp.WaitVisible(chromedp.ID("problem")))
	p.look("sign-in-error")
	p.Open(p.s.url + "/?next=/pages/")
	p.Submit("ada", good) // who has a passkey
	p.Sees("One more step, ada")
	p.look("auth-code")
	_, code, _ := strings.Cut(p.s.must("", "link", "reset", "ada"), "/reset/")
	p.visit("reset", "/reset/"+strings.TrimSpace(code), "Set a new password")
}

// signUp is what strangers see of a site where everybody may make an account.
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

// notPages are the routes that show a person no page of ours.
var notPages = []string{
	"GET /static/{name}", "GET /pages/{path...}", "GET /healthz", "GET /readyz", "GET /.well-known/change-password", "GET /.well-known/passkey-endpoints", "GET /.well-known/jwks.json",
	"GET /people/audit.csv", "GET /account/code/qr.png", "GET /apps/{id}/recipe/{proxy}",
	"GET /gate/check", "GET /gate/callback", "GET /api/authz/auth-request", "GET /api/authz/forward-auth",
	"GET /auth", // the same form as /
}

// seen notes which routes' pages were looked at.
type seen struct {
	mux    *http.ServeMux
	routes []string
	looked map[string]bool
}

func newSeen() seen {
	s := seen{http.NewServeMux(), handlers.Routes(handlers.Config{SignUp: account.ByAnybody, Pages: new(os.Root), Lab: new(anatomy.Lab), Gate: new(gate.Gate)}), map[string]bool{}}
	for _, pattern := range s.routes {
		s.mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return s
}

// look notes the page at the path.
func (s seen) look(path string) {
	_, pattern := s.mux.Handler(httptest.NewRequest(http.MethodGet, path, http.NoBody))
	s.looked[pattern] = true
}

// all fails the test for every page that nobody looked at.
func (s seen) all(t *testing.T) {
	t.Helper()
	for _, pattern := range s.routes {
		if strings.HasPrefix(pattern, "GET ") && !s.looked[pattern] && !slices.Contains(notPages, pattern) {
			t.Errorf("nobody looked at %s: visit it in TestPages, or name it in notPages (utl/process/pages_test.go)", pattern)
		}
	}
}

// axeCore returns axe-core's script, which .ci/tools fetches, or "".
func axeCore(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob(top + "/.tools/axe-core-*.min.js") // the pattern is right
	script, err := os.ReadFile(strings.Join(found, ""))
	if err != nil {
		t.Run("axe-core", func(t *testing.T) { tooltest.Missing(t, "axe-core") })
	}
	return string(script)
}
