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

// The passwords of the canary test, which are on no page and in no log.
const (
	canaryFirst  = "canary first of nine"
	canarySecond = "canary second of nine"
	canaryThird  = "canary third of nine"
	canaryWrong  = "canary that is wrong"
	canaryQuery  = "canary-in-the-query"
)

// Attack browser/link-codes, secrets/canaries: passwords, cookies and link codes run through every flow, and are
// not in the log, at debug neither, and not in a page, but for a link's own.
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

// flows goes through everything that a person can do, in the database's
// outage too, and returns what must stay secret, and what came back.
func flows(t *testing.T, s *webtest.Site) (secrets []string, bodies map[string]string) {
	t.Helper()
	secrets, bodies = []string{canaryFirst, canarySecond, canaryThird, canaryWrong, canaryQuery, "canary"}, map[string]string{}
	b := s.Browser(t)
	do := func(method, path string, want int, fields ...string) {
		t.Helper()
		req := b.Request(method, path, webtest.Form(fields...), "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Site", "same-origin", "Referer", b.Base+"/"+canaryQuery)
		got := b.Exchange(req).Want(want)
		bodies[method+" "+path] += got.Body
		for _, c := range append(got.Cookies(), b.Jar.Cookies(req.URL)...) {
			if c.Value != "" {
				secrets = append(secrets, c.Value)
			}
		}
	}
	join := s.Link(t, account.Owner)
	secrets = append(secrets, join[len("/join/"):])
	do("GET", join, 200)
	do("POST", join, 422, "username", "ada", "password", "canary")
	do("POST", join+"?x="+canaryQuery, 303, "username", "ada", "password", canaryFirst)
	do("POST", join, 410, "username", "ada", "password", canaryFirst)
	do("GET", "/?token="+canaryQuery, 200)
	do("POST", "/account/password", 422, "current", canaryWrong, "password", canarySecond)
	do("POST", "/account/password", 422, "current", canaryFirst, "password", "canary")
	do("POST", "/account/password", 303, "current", canaryFirst, "password", canarySecond)
	do("GET", "/account", 200)
	do("POST", "/logout", 303)
	do("POST", "/auth", 422, "username", "ada", "password", canaryWrong, "secret", canaryQuery)
	do("POST", "/auth", 400, "username", "ada", "password", canaryWrong, "password", canaryWrong)
	do("POST", "/auth", 303, "username", "ada", "password", canarySecond)
	do("POST", "/account/prove", 422, "password", canaryWrong)
	do("POST", "/account/prove", 303, "password", canarySecond)
	do("POST", "/account/app-passwords", 200, "name", "backup")
	const shown = "POST /account/app-passwords"
	app := regexp.MustCompile(`gj_(\w{52})`).FindStringSubmatch(bodies[shown])[1]
	delete(bodies, shown) // it shows the secret once
	secrets = append(secrets, app, strings.ToLower(app))
	ask := func(want int, authorization string) {
		t.Helper()
		bodies["the gate"] += b.Get("/gate/forward", webtest.Asked("http://wiki.example/", "Authorization", authorization)...).Want(want).Body
	}
	ask(200, "Bearer gj_"+app)
	ask(401, "Digest gj_"+app)
	ask(401, webtest.Basic("gj_"+app, ""))
	ask(401, webtest.Basic("ada", canaryWrong))
	do("GET", "/account", 200)
	do("POST", "/account/data", 200)
	reset := s.Link(t, "ada")
	secrets = append(secrets, reset[len("/reset/"):])
	do("GET", reset, 200)
	do("POST", reset, 303, "password", canaryThird)
	do("PUT", reset, 405)
	do("GET", reset+"x", 410)
	secrets = append(secrets, s.Texts(t, `SELECT sid FROM sessions`)...)
	secrets = append(secrets, s.Texts(t, `SELECT password FROM accounts`)...)
	unsaid := s.Link(t, account.Member)
	secrets = append(secrets, unsaid[len("/join/"):], string(webtest.Key[:]), string(webtest.DeviceKey[:]))

	if err := os.Rename(s.DbPath, s.DbPath+".away"); err != nil {
		t.Fatal(err)
	}
	do("POST", "/auth", 503, "username", "ada", "password", canaryThird)
	do("POST", "/account/password", 503, "current", canaryThird, "password", canaryFirst)
	ask(503, webtest.Basic("ada", "gj_"+app))
	do("GET", unsaid, 503)
	do("POST", unsaid, 503, "username", "bob", "password", canaryFirst)
	do("POST", "/logout", http.StatusServiceUnavailable)
	return secrets, bodies
}
