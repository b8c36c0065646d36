package handlers_test

import (
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// The passwords of the canary test, which must be on no page and in no log.
const (
	canaryFirst  = "canary first of nine"
	canarySecond = "canary second of nine"
	canaryThird  = "canary third of nine"
	canaryWrong  = "canary that is wrong"
	canaryQuery  = "canary-in-the-query"
)

// Attack browser/link-codes, secrets/canaries: passwords, cookies and link codes pass
// through every flow. They are not logged, also not at debug, and are on no page, except
// for a link's own.
func TestCanaries(t *testing.T) {
	for name, level := range map[string]slog.Level{"at info": slog.LevelInfo, "at debug": slog.LevelDebug} {
		t.Run(name, func(t *testing.T) {
			log := &webtest.SafeBuffer{}
			s := webtest.New(t, logging(log, level, false), webtest.WithGate)
			secrets, bodies := flows(t, s)
			for _, secret := range secrets {
				if strings.Contains(log.String(), secret) {
					t.Errorf("%q is in the log:\n%s", secret, log.Lines(secret))
				}
				for path, body := range bodies {
					if strings.Contains(body, secret) && !strings.Contains(path, secret) {
						t.Errorf("%q is in the answer to %s", secret, path)
					}
				}
			}
			if masks := strings.Contains(log.String(), "password=•••"); masks != (level == slog.LevelDebug) {
				t.Errorf("the log masks passwords: %t", masks)
			}
		})
	}
}

// flows does everything that a person can do, also while the database is unavailable, and
// returns what must stay secret, and the responses.
func flows(t *testing.T, s *webtest.Site) (secrets []string, bodies map[string]string) {
	t.Helper()
	f := &flow{Site: s, b: s.Browser(t), bodies: map[string]string{}}
	f.secrets = []string{canaryFirst, canarySecond, canaryThird, canaryWrong, canaryQuery, "canary"}
	f.joins(t)
	f.changesPassword(t)
	f.signsIn(t)
	app := f.asksTheGate(t)
	f.resetsPassword(t)
	f.secrets = append(f.secrets, s.Texts(t, `SELECT sid FROM sessions`)...)
	f.secrets = append(f.secrets, s.Texts(t, `SELECT password FROM accounts`)...)
	f.secrets = append(f.secrets, string(webtest.Key[:]), string(webtest.DeviceKey[:]))
	f.inAnOutage(t, app)
	return f.secrets, f.bodies
}

// flow is a browser that records what must stay secret, and the responses.
type flow struct {
	*webtest.Site

	b       *webtest.Browser
	secrets []string
	bodies  map[string]string // response bodies, by method and path
}

// do sends a request with a canary in its Referer, and records the response and the cookies.
func (f *flow) do(method, path string, want int, fields ...string) {
	f.b.T.Helper()
	req := f.b.Request(method, path, webtest.Form(fields...), "Content-Type", "application/x-www-form-urlencoded",
		"Sec-Fetch-Site", "same-origin", "Referer", f.b.Base+"/"+canaryQuery)
	got := f.b.Exchange(req).Want(want)
	f.bodies[method+" "+path] += got.Body
	for _, c := range append(got.Cookies(), f.b.Jar.Cookies(req.URL)...) {
		if c.Value != "" {
			f.secrets = append(f.secrets, c.Value)
		}
	}
}

// ask asks the gate with the Authorization header, and records the response.
func (f *flow) ask(want int, authorization string) {
	f.b.T.Helper()
	f.bodies["the gate"] += f.b.Get("/gate/forward", webtest.Asked("http://wiki.example/", "Authorization", authorization)...).Want(want).Body
}

// link creates a link as Site.Link does, and records its code.
func (f *flow) link(t *testing.T, of string) string {
	t.Helper()
	link := f.Link(t, of)
	f.secrets = append(f.secrets, link[strings.LastIndex(link, "/")+1:])
	return link
}

func (f *flow) joins(t *testing.T) {
	t.Helper()
	join := f.link(t, account.Owner)
	f.do("GET", join, 200)
	f.do("POST", join, 422, "username", "ada", "password", "canary")
	f.do("POST", join+"?x="+canaryQuery, 303, "username", "ada", "password", canaryFirst)
	f.do("POST", join, 410, "username", "ada", "password", canaryFirst)
	f.do("GET", "/?token="+canaryQuery, 200)
}

func (f *flow) changesPassword(t *testing.T) {
	t.Helper()
	f.do("POST", "/account/password", 422, "current", canaryWrong, "password", canarySecond)
	f.do("POST", "/account/password", 422, "current", canaryFirst, "password", "canary")
	f.do("POST", "/account/password", 303, "current", canaryFirst, "password", canarySecond)
	f.do("GET", "/account", 200)
}

func (f *flow) signsIn(t *testing.T) {
	t.Helper()
	f.do("POST", "/logout", 303)
	f.do("POST", "/auth", 422, "username", "ada", "password", canaryWrong, "secret", canaryQuery)
	f.do("POST", "/auth", 400, "username", "ada", "password", canaryWrong, "password", canaryWrong)
	f.do("POST", "/auth", 303, "username", "ada", "password", canarySecond)
	f.do("POST", "/account/prove", 422, "password", canaryWrong)
	f.do("POST", "/account/prove", 303, "password", canarySecond)
}

// asksTheGate creates an app password, asks the gate with it, and returns it.
func (f *flow) asksTheGate(t *testing.T) (app string) {
	t.Helper()
	const shown = "POST /account/app-passwords"
	f.do("POST", "/account/app-passwords", 200, "name", "backup")
	app = regexp.MustCompile(`gj_(\w{52})`).FindStringSubmatch(f.bodies[shown])[1]
	delete(f.bodies, shown) // the page that may show the secret
	f.secrets = append(f.secrets, app, strings.ToLower(app))
	f.ask(200, "Bearer gj_"+app)
	f.ask(401, "Digest gj_"+app)
	f.ask(401, webtest.Basic("gj_"+app, ""))
	f.ask(401, webtest.Basic("ada", canaryWrong))
	f.do("GET", "/account", 200)
	f.do("POST", "/account/data", 200)
	return app
}

func (f *flow) resetsPassword(t *testing.T) {
	t.Helper()
	reset := f.link(t, "ada")
	f.do("GET", reset, 200)
	f.do("POST", reset, 303, "password", canaryThird)
	f.do("PUT", reset, 405)
	f.do("GET", reset+"x", 410)
}

// inAnOutage makes the database unavailable, and tries what needs it.
func (f *flow) inAnOutage(t *testing.T, app string) {
	t.Helper()
	join := f.link(t, account.Member)
	if err := os.Rename(f.DbPath, f.DbPath+".away"); err != nil {
		t.Fatal(err)
	}
	f.do("POST", "/auth", 503, "username", "ada", "password", canaryThird)
	f.do("POST", "/account/password", 503, "current", canaryThird, "password", canaryFirst)
	f.ask(503, webtest.Basic("ada", "gj_"+app))
	f.do("GET", join, 503)
	f.do("POST", join, 503, "username", "bob", "password", canaryFirst)
	f.do("POST", "/logout", http.StatusServiceUnavailable)
}
