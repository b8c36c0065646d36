package handlers_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/gate"
)

// withGate gives the gate of the site hosts: those of the world's apps.
func withGate(c *handlers.Config) { c.Gate = gateFor(*c, "*.site.example", "wiki.example") }

// gateFor returns a gate that answers for the hosts.
func gateFor(c handlers.Config, hosts ...string) *gate.Gate {
	g, err := gate.New(gate.Options{Public: c.PublicURL, Hosts: hosts, Keys: [][]byte{identityKey}, Now: c.Now})
	if err != nil {
		panic(err)
	}
	return g
}

var gatePaths = []string{"/gate/check", "/gate/forward", "/api/authz/auth-request", "/api/authz/forward-auth"}

// appPassword makes an app password of username's, whose password is good, and
// returns its secret.
func (s *testSite) appPassword(tb testing.TB, username string, wanted account.AppPassword) string {
	tb.Helper()
	a, err := s.accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	secret, err := s.accounts.NewAppPassword(tb.Context(), a, good, wanted, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return secret
}

// basicChallenge asks a program for an app password (RFC 7617).
const basicChallenge = `Basic realm="glassjar app password", charset="UTF-8"`

func basic(username, pw string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+pw))
}

// passes asks the gate about the URL with the Authorization header.
func (w *world) passes(tb testing.TB, address, authorization string) *answer {
	tb.Helper()
	return w.ask(tb, "/gate/check", asked(address, "Authorization", authorization))
}

func TestGateTakesAppPasswords(t *testing.T) {
	w := newWorld(t, jar, "")
	id := w.add(t, "ada", account.Member).ID
	w.exec(t, `UPDATE accounts SET name = 'Ada', email = 'ada@site.example', group_names = 'dev,ops'`)
	secret := w.appPassword(t, "ada", account.AppPassword{Name: "backup", Hosts: "wiki.example"})
	identity := map[string]bool{}
	for _, path := range gatePaths {
		for _, authorization := range []string{
			"Bearer " + secret, "bearer " + secret, basic("ada", secret), basic("Ada", secret), strings.Replace(basic("ada", secret), "Basic", "BASIC", 1),
		} {
			got := w.ask(t, path, asked(elsewhere+"/", "Authorization", authorization)).want(http.StatusOK)
			got.header("Remote-User", "ada").header("Remote-Groups", "dev,ops").header("Remote-Name", "Ada")
			got.header("Remote-Email", "ada@site.example").header("Set-Cookie", "").header("Authorization", "")
			identity[got.Header.Get("Remote-Identity")] = true
		}
	}
	w.passes(t, "https://wiki.example/", "Bearer "+secret).want(http.StatusOK) // who asks chooses the port
	if len(identity) != 1 {
		t.Errorf("%d assertions, want one that is kept", len(identity))
	}
	for token := range identity {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token+"..", ".")[1])
		if says := string(payload); err != nil || !strings.Contains(says, `"sub":"`+id+`"`) || !strings.Contains(says, `"aud":"wiki.example:8443"`) {
			t.Errorf("the assertion says %s, %v", payload, err)
		}
	}
}

// Attack gate/app-passwords: what has the form of an app password, or hides one, never falls
// through to the cookie and never reaches the app, on any host.
func TestGateRefusesAuthorization(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "bob", account.Member)
	b, cookie := w.in(t)
	cookie += "; " + b.at(jar).cookies()
	secret := w.appPassword(t, "ada", account.AppPassword{Name: "backup", Hosts: "wiki.example"})
	for name, header := range map[string][]string{
		"another scheme":             {"Digest " + secret},
		"no scheme":                  {secret},
		"no space":                   {"Bearer" + secret},
		"in quotes":                  {`Digest username="ada", response="` + secret + `"`},
		"the prefix alone":           {"Bearer gj_"},
		"two tokens":                 {"Bearer " + secret + " " + secret},
		"a space too many":           {"Bearer  " + secret},
		"a tab":                      {"bearer\t" + secret},
		"in lower case":              {"Bearer " + strings.ToLower(secret)},
		"one letter short":           {"Bearer " + secret[:len(secret)-1]},
		"twice":                      {"Bearer " + secret, "Bearer " + secret},
		"a wrong one and a good":     {"Bearer x", "Bearer " + secret},
		"two of the app's":           {"Bearer x", "Bearer y"},
		"joined by a proxy":          {"Bearer x, Bearer " + secret},
		"joined, as Basic's":         {"Bearer x, " + basic("ada", secret)},
		"joined, and wrong":          {"Bearer x,Bearer gj_WRONG"},
		"Basic's base64 broken":      {"Basic " + secret},
		"Basic's base64 cut":         {strings.TrimRight(basic("adas", secret), "=")},
		"Basic's base64 as in a URL": {"Basic " + base64.URLEncoding.EncodeToString([]byte("\xff\xfe\xfd:"+secret))},
		"Basic's as Bearer's":        {strings.Replace(basic("ada", secret), "Basic", "Bearer", 1)},
		"no colon":                   {"Basic " + base64.StdEncoding.EncodeToString([]byte(secret))},
		"another's username":         {basic("bob", secret)},
		"nobody's username":          {basic("eve", secret)},
		"no username":                {basic("", secret)},
		"as the username":            {basic(secret, "")},
		"as the username, with more": {basic(secret, "x-oauth-basic")},
		"behind the app's":           {basic("ada", "x:"+secret)},
		"a wrong one":                {basic("ada", "gj_"+strings.Repeat("A", 52))},
		"a short one":                {basic("ada", "gj_WRONG")},
		"the prefix as Basic's":      {strings.Replace(basic("ada", "gj_"), "Basic", "BASIC", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range gatePaths {
				w.wantRefused(t, path, asked(elsewhere+"/", "Cookie", cookie), header, http.StatusUnauthorized)
			}
			w.wantRefused(t, "/gate/check", asked(jar+"/", "Cookie", cookie), header, http.StatusUnauthorized)
		})
	}
	w.wantRefused(t, "/gate/check", asked(sister+"/", "Cookie", cookie), []string{"Bearer " + secret}, http.StatusUnauthorized)
	w.ask(t, "/gate/check", asked(elsewhere+"/", "Cookie", cookie)).want(http.StatusOK).header("Authorization", "") // it is a good one
	if lines := w.log.lines(strings.ToLower(secret[3:])); len(lines) > 0 || len(w.log.lines(secret)) > 0 {
		t.Errorf("the secret is in the log: %q", lines)
	}
}

// What has not the form of an app password is the app's: the cookie decides,
// and the gate's answer gives it back for the app.
func TestGateLeavesAppsTheirAuthorization(t *testing.T) {
	w := newWorld(t, jar, "")
	b, cookie := w.in(t)
	w.add(t, "bob", account.Member)
	for name, authorization := range map[string]string{
		"a bearer token":                 "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
		"a long one":                     "Bearer " + strings.Repeat("eyJhbGciOiJFUzI1NiJ9.", 300),
		"one that holds the prefix":      "Bearer xgj_WRONG",
		"one in capitals":                "Bearer GJ_WRONG",
		"another scheme with the prefix": "Token gj_WRONG",
		"the prefix and no scheme":       "gj_WRONG",
		"a scheme alone":                 "Bearer",
		"Basic":                          basic("eve", "hunter2"),
		"Basic with the account's own":   basic("ada", good),
		"Basic, the prefix later":        basic("ada", "x-gj_WRONG"),
		"Basic, the prefix in the name":  basic("gj_bob", "hunter2"),
		"Basic, a colon in the password": basic("ada", "a:gj_WRONG"),
		"Basic that is no base64":        "Basic ?gj_WRONG?",
		"Basic without a colon":          "Basic " + base64.StdEncoding.EncodeToString([]byte("gj_WRONG")),
		"the session cookie":             "Bearer " + b.holds(jar, "__Host-glassjar"),
		"Digest":                         `Digest username="ada", realm="gj_x", nonce="YTpnal8=x", response="6629fae49393a05397450978507c4ef1"`,
		"Negotiate":                      "Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+gJDAi",
		"AWS's":                          "AWS4-HMAC-SHA256 Credential=AKIA/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=fe5f",
		"bytes that are no ASCII":        "Bearer \xe4\xf6",
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range gatePaths {
				passed := w.ask(t, path, asked(elsewhere+"/", "Cookie", cookie, "Authorization", authorization)).want(http.StatusOK)
				passed.header("Remote-User", "ada").header("Authorization", authorization)
				w.ask(t, path, asked(elsewhere+"/", "Authorization", authorization)).
					want(http.StatusUnauthorized, jar+"/?next="+url.QueryEscape(elsewhere+"/")).header("Authorization", "")
			}
		})
	}
	denied := w.ask(t, "/gate/check?group=dev", asked(elsewhere+"/", "Cookie", cookie, "Authorization", "Bearer x"))
	denied.want(http.StatusForbidden).header("Authorization", "")
	w.ask(t, "/gate/check", asked(elsewhere+"/", "Cookie", cookie, "Authorization", "")).want(http.StatusOK).header("Authorization", "")
	if lines := w.log.lines("event=apppassword"); len(lines) > 0 {
		t.Errorf("an app's own header counts as a wrong app password: %q", lines)
	}
}

// wantRefused fails the test unless the gate refuses the question with these
// Authorization headers, and says nothing of where to sign in.
func (w *world) wantRefused(t *testing.T, path string, header, authorization []string, status int) *answer {
	t.Helper()
	w.exec(t, `DELETE FROM throttle`)
	return w.refused(t, path, header, authorization, status)
}

func (w *world) refused(t *testing.T, path string, header, authorization []string, status int) *answer {
	t.Helper()
	b := w.browser(t)
	r := b.request(http.MethodGet, path, "", header...)
	r.Header["Authorization"] = authorization
	got := b.do(r).want(status, "")
	challenge := map[int]string{http.StatusUnauthorized: basicChallenge}[status]
	got.header("WWW-Authenticate", challenge).header("Authorization", "").header("Remote-User", "").header("Remote-Identity", "").header("Set-Cookie", "")
	got.header("Strict-Transport-Security", "").header("Content-Type", "application/json")
	var says struct{ Error string }
	if err := json.Unmarshal([]byte(got.body), &says); err != nil || says.Error == "" {
		t.Errorf("the body is %s: %v", got.body, err)
	}
	return got
}

// Attack cookie/replay: an app password that ended is refused at once, here
// and on another server.
func TestGateEndsWithTheAppPassword(t *testing.T) {
	for name, end := range map[string]func(accounts *account.Store, ada account.Account, id string) error{
		"revoke": func(accounts *account.Store, ada account.Account, id string) error {
			return accounts.RevokeAppPassword(t.Context(), ada, id, audit.Command())
		},
		"disable": func(accounts *account.Store, _ account.Account, _ string) error {
			return accounts.Disable(t.Context(), "ada", audit.Command())
		},
		"a new password": func(accounts *account.Store, _ account.Account, _ string) error {
			return accounts.SetPassword(t.Context(), "ada", other, audit.Command())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, jar, "")
			ada := w.add(t, "ada", account.Member)
			bearer := "Bearer " + w.appPassword(t, "ada", account.AppPassword{Name: "backup"})
			w.passes(t, elsewhere+"/", bearer).want(http.StatusOK)
			elsewhereToo := account.New(account.Options{DB: w.db, Sessions: w.newSessions(t, true), Hasher: w.hasher, Now: w.clock.now})
			if err := end(elsewhereToo, ada, w.texts(t, `SELECT id FROM app_passwords`)[0]); err != nil {
				t.Fatal(err)
			}
			w.passes(t, elsewhere+"/", bearer).want(http.StatusUnauthorized)
		})
	}
}

func TestGateGroupsHoldForAppPasswords(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	header := asked(elsewhere+"/", "Authorization", "Bearer "+w.appPassword(t, "ada", account.AppPassword{Name: "backup"}))
	w.ask(t, "/gate/check?group=dev", header).want(http.StatusForbidden).header("Remote-User", "")
	if err := w.accounts.SetGroups(t.Context(), "ada", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "/gate/check?group=dev", header).want(http.StatusOK).header("Remote-Groups", "dev")
}

// Without the database nothing is known of an app password: 503, whatever
// cookie comes with it.
func TestGateCannotKnowAnAppPassword(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	bearer := "Bearer " + w.appPassword(t, "ada", account.AppPassword{Name: "backup"})
	w.ask(t, "/gate/check", asked(elsewhere+"/", "Cookie", cookie)).want(http.StatusOK)
	if err := os.Rename(w.dbPath, w.dbPath+".away"); err != nil {
		t.Fatal(err)
	}
	for _, authorization := range []string{bearer, "Bearer gj_x"} {
		w.ask(t, "/gate/forward", asked(elsewhere+"/", "Cookie", cookie, "Authorization", authorization)).want(http.StatusServiceUnavailable).header("Remote-User", "")
	}
	if err := os.Rename(w.dbPath+".away", w.dbPath); err != nil {
		t.Fatal(err)
	}
	w.passes(t, elsewhere+"/", bearer).want(http.StatusOK)
}

// An app password opens nothing of ours, and takes nothing away.
func TestOurOwnPagesIgnoreAuthorization(t *testing.T) {
	w := newWorld(t, jar, "")
	b, _ := w.in(t)
	secret := w.appPassword(t, "ada", account.AppPassword{Name: "backup"})
	for _, authorization := range []string{"Bearer " + secret, basic("ada", secret), basic("ada", good), "Bearer x"} {
		w.browser(t).get("/account", "Authorization", authorization).want(http.StatusSeeOther, "/?next=%2Faccount")
		b.get("/account", "Authorization", authorization).want(http.StatusOK).says("h1", "Your account")
	}
}
