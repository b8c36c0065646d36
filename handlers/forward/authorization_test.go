package forward_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

var gatePaths = []string{"/gate/check", "/gate/forward", "/api/authz/auth-request", "/api/authz/forward-auth"}

func TestGateTakesAppPasswords(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	id := w.Add(t, "ada", account.Member).ID
	w.Exec(t, `UPDATE accounts SET name = 'Ada', email = 'ada@site.example', email_confirmed = 1, group_names = 'dev,ops'`)
	secret := w.AppPassword(t, "ada", account.AppPassword{Name: "backup", Hosts: "wiki.example"})
	identity := map[string]bool{}
	for _, path := range gatePaths {
		for _, authorization := range []string{
			"Bearer " + secret, "bearer " + secret, webtest.Basic("ada", secret), webtest.Basic("Ada", secret), strings.Replace(webtest.Basic("ada", secret), "Basic", "BASIC", 1),
		} {
			got := w.Ask(t, path, webtest.Asked(webtest.Elsewhere+"/", "Authorization", authorization)).Want(http.StatusOK)
			got.WantHeader("Remote-User", "ada").WantHeader("Remote-Groups", "dev,ops").WantHeader("Remote-Name", "Ada")
			got.WantHeader("Remote-Email", "ada@site.example").WantHeader("Set-Cookie", "").WantHeader("Authorization", "")
			identity[got.Header.Get("Remote-Identity")] = true
		}
	}
	w.Passes(t, "https://wiki.example/", "Bearer "+secret).Want(http.StatusOK) // the client chooses the port
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

// hidden returns Authorization headers that look like an app password, or hide ada's
// secret where a parser could miss it, and are not valid.
func hidden(secret string) map[string][]string {
	return map[string][]string{
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
		"joined, as Basic's":         {"Bearer x, " + webtest.Basic("ada", secret)},
		"joined, and wrong":          {"Bearer x,Bearer gj_WRONG"},
		"Basic's base64 broken":      {"Basic " + secret},
		"Basic's base64 cut":         {strings.TrimRight(webtest.Basic("adas", secret), "=")},
		"Basic's base64 as in a URL": {"Basic " + base64.URLEncoding.EncodeToString([]byte("\xff\xfe\xfd:"+secret))},
		"Basic's as Bearer's":        {strings.Replace(webtest.Basic("ada", secret), "Basic", "Bearer", 1)},
		"no colon":                   {"Basic " + base64.StdEncoding.EncodeToString([]byte(secret))},
		"another's username":         {webtest.Basic("bob", secret)},
		"nobody's username":          {webtest.Basic("eve", secret)},
		"no username":                {webtest.Basic("", secret)},
		"as the username":            {webtest.Basic(secret, "")},
		"as the username, with more": {webtest.Basic(secret, "x-oauth-basic")},
		"behind the app's":           {webtest.Basic("ada", "x:"+secret)},
		"a wrong one":                {webtest.Basic("ada", "gj_"+strings.Repeat("A", 52))},
		"a short one":                {webtest.Basic("ada", "gj_WRONG")},
		"the prefix as Basic's":      {strings.Replace(webtest.Basic("ada", "gj_"), "Basic", "BASIC", 1)},
	}
}

// Attack gate/app-passwords: a header that looks like an app password, or hides one, is
// never ignored in favour of the cookie and never reaches the app, on any host.
func TestGateRefusesAuthorization(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "bob", account.Member)
	b, cookie := w.In(t)
	cookie += "; " + b.At(webtest.Jar).Cookies()
	secret := w.AppPassword(t, "ada", account.AppPassword{Name: "backup", Hosts: "wiki.example"})
	for name, header := range hidden(secret) {
		t.Run(name, func(t *testing.T) {
			for _, path := range gatePaths {
				wantRefused(t, w, path, webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie), header, http.StatusUnauthorized)
			}
			wantRefused(t, w, "/gate/check", webtest.Asked(webtest.Jar+"/", "Cookie", cookie), header, http.StatusUnauthorized)
		})
	}
	wantRefused(t, w, "/gate/check", webtest.Asked(webtest.Sister+"/", "Cookie", cookie), []string{"Bearer " + secret}, http.StatusUnauthorized)
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)).Want(http.StatusOK).WantHeader("Authorization", "") // the cookie itself is valid
	if lines := w.Log.Lines(strings.ToLower(secret[3:])); len(lines) > 0 || len(w.Log.Lines(secret)) > 0 {
		t.Errorf("the secret is in the log: %q", lines)
	}
}

// Any other Authorization header is the app's: the cookie decides, and the gate's
// response returns the header for the app.
func TestGateLeavesAppsTheirAuthorization(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, cookie := w.In(t)
	w.Add(t, "bob", account.Member)
	for name, authorization := range map[string]string{
		"a bearer token":                 "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
		"a long one":                     "Bearer " + strings.Repeat("eyJhbGciOiJFUzI1NiJ9.", 300),
		"one that holds the prefix":      "Bearer xgj_WRONG",
		"one in capitals":                "Bearer GJ_WRONG",
		"another scheme with the prefix": "Token gj_WRONG",
		"the prefix and no scheme":       "gj_WRONG",
		"a scheme alone":                 "Bearer",
		"Basic":                          webtest.Basic("eve", "hunter2"),
		"Basic with the account's own":   webtest.Basic("ada", webtest.Good),
		"Basic, the prefix later":        webtest.Basic("ada", "x-gj_WRONG"),
		"Basic, the prefix in the name":  webtest.Basic("gj_bob", "hunter2"),
		"Basic, a colon in the password": webtest.Basic("ada", "a:gj_WRONG"),
		"Basic that is no base64":        "Basic ?gj_WRONG?",
		"Basic without a colon":          "Basic " + base64.StdEncoding.EncodeToString([]byte("gj_WRONG")),
		"the session cookie":             "Bearer " + b.Holds(webtest.Jar, "__Host-glassjar"),
		"Digest":                         `Digest username="ada", realm="gj_x", nonce="YTpnal8=x", response="6629fae49393a05397450978507c4ef1"`,
		"Negotiate":                      "Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+gJDAi",
		"AWS's":                          "AWS4-HMAC-SHA256 Credential=AKIA/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=fe5f",
		"bytes that are no ASCII":        "Bearer \xe4\xf6",
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range gatePaths {
				passed := w.Ask(t, path, webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Authorization", authorization)).Want(http.StatusOK)
				passed.WantHeader("Remote-User", "ada").WantHeader("Authorization", authorization)
				w.Ask(t, path, webtest.Asked(webtest.Elsewhere+"/", "Authorization", authorization)).
					Want(http.StatusUnauthorized, webtest.Jar+"/?next="+url.QueryEscape(webtest.Elsewhere+"/")).WantHeader("Authorization", "")
			}
		})
	}
	denied := w.Ask(t, "/gate/check?group=dev", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Authorization", "Bearer x"))
	denied.Want(http.StatusForbidden).WantHeader("Authorization", "")
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Authorization", "")).Want(http.StatusOK).WantHeader("Authorization", "")
	if lines := w.Log.Lines("event=apppassword"); len(lines) > 0 {
		t.Errorf("an app's own header counts as a wrong app password: %q", lines)
	}
}

// wantRefused fails the test unless the gate refuses the question with these
// Authorization headers, without a sign-in URL.
func wantRefused(t *testing.T, w *webtest.World, path string, header, authorization []string, status int) *webtest.Answer {
	t.Helper()
	w.Exec(t, `DELETE FROM throttle`)
	return refused(t, w, path, header, authorization, status)
}

func refused(t *testing.T, w *webtest.World, path string, header, authorization []string, status int) *webtest.Answer {
	t.Helper()
	b := w.Browser(t)
	r := b.Request(http.MethodGet, path, "", header...)
	r.Header["Authorization"] = authorization
	got := b.Exchange(r).Want(status, "")
	challenge := map[int]string{http.StatusUnauthorized: webtest.BasicChallenge}[status]
	got.WantHeader("WWW-Authenticate", challenge).WantHeader("Authorization", "").WantHeader("Remote-User", "").WantHeader("Remote-Identity", "").WantHeader("Set-Cookie", "")
	got.WantHeader("Strict-Transport-Security", "").WantHeader("Content-Type", "application/json")
	var says struct{ Error string }
	if err := json.Unmarshal([]byte(got.Body), &says); err != nil || says.Error == "" {
		t.Errorf("the body is %s: %v", got.Body, err)
	}
	return got
}

// Attack cookie/replay: an app password that has ended is refused at once, here and on
// another server.
func TestGateEndsWithTheAppPassword(t *testing.T) {
	for name, end := range map[string]func(accounts *account.Store, ada account.Account, id string) error{
		"revoke": func(accounts *account.Store, ada account.Account, id string) error {
			return accounts.RevokeAppPassword(t.Context(), ada, id, audit.Command())
		},
		"disable": func(accounts *account.Store, _ account.Account, _ string) error {
			return accounts.Disable(t.Context(), "ada", audit.Command())
		},
		"a new password": func(accounts *account.Store, _ account.Account, _ string) error {
			return accounts.SetPassword(t.Context(), "ada", webtest.Other, audit.Command())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := webtest.NewWorld(t, webtest.Jar, "")
			ada := w.Add(t, "ada", account.Member)
			bearer := "Bearer " + w.AppPassword(t, "ada", account.AppPassword{Name: "backup"})
			w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusOK)
			elsewhereToo := account.New(account.Options{DB: w.DB, Sessions: w.NewSessions(t, true), Hasher: w.Hasher, Now: w.Clock.Now})
			if err := end(elsewhereToo, ada, w.Texts(t, `SELECT id FROM app_passwords`)[0]); err != nil {
				t.Fatal(err)
			}
			w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusUnauthorized)
		})
	}
}

func TestGateGroupsHoldForAppPasswords(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	header := webtest.Asked(webtest.Elsewhere+"/", "Authorization", "Bearer "+w.AppPassword(t, "ada", account.AppPassword{Name: "backup"}))
	w.Ask(t, "/gate/check?group=dev", header).Want(http.StatusForbidden).WantHeader("Remote-User", "")
	if err := w.Accounts.SetGroups(t.Context(), "ada", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check?group=dev", header).Want(http.StatusOK).WantHeader("Remote-Groups", "dev")
}

// Without the database no app password can be checked: 503, whatever cookie comes with it.
func TestGateCannotKnowAnAppPassword(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	bearer := "Bearer " + w.AppPassword(t, "ada", account.AppPassword{Name: "backup"})
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)).Want(http.StatusOK)
	if err := os.Rename(w.DbPath, w.DbPath+".away"); err != nil {
		t.Fatal(err)
	}
	for _, authorization := range []string{bearer, "Bearer gj_x"} {
		w.Ask(t, "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Authorization", authorization)).Want(http.StatusServiceUnavailable).WantHeader("Remote-User", "")
	}
	if err := os.Rename(w.DbPath+".away", w.DbPath); err != nil {
		t.Fatal(err)
	}
	w.Passes(t, webtest.Elsewhere+"/", bearer).Want(http.StatusOK)
}

// The site's own pages ignore app passwords.
func TestOurOwnPagesIgnoreAuthorization(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, _ := w.In(t)
	secret := w.AppPassword(t, "ada", account.AppPassword{Name: "backup"})
	for _, authorization := range []string{"Bearer " + secret, webtest.Basic("ada", secret), webtest.Basic("ada", webtest.Good), "Bearer x"} {
		w.Browser(t).Get("/account", "Authorization", authorization).Want(http.StatusSeeOther, "/?next=%2Faccount")
		b.Get("/account", "Authorization", authorization).Want(http.StatusOK).Says("h1", "Your account")
	}
}

// An unconfirmed address may be somebody else's, so no app receives it.
func TestAnUnconfirmedEmailAddressIsNotTold(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for confirmed, want := range map[bool]string{false: "", true: "ada@site.example"} {
		if err := w.Accounts.SetEmail(t.Context(), "ada", "ada@site.example", confirmed, audit.Command()); err != nil {
			t.Fatal(err)
		}
		w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)).Want(http.StatusOK).WantHeader("Remote-Email", want)
	}
}
