package forward_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// raise raises the session to level 2, as a proof does.
func raise(t *testing.T, w *webtest.World) {
	t.Helper()
	w.Exec(t, `UPDATE sessions SET level = 2, amr = 'otp pwd'`)
	all := w.Texts(t, `SELECT sid FROM sessions`)
	w.Sessions.Invalidate(all...)
}

// Attack gate/level: if the proxy demands level 2, somebody with a session of level 1 is
// redirected to the second factor, and back.
func TestGateDemandsALevel(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, cookie := w.In(t)
	target := webtest.Elsewhere + "/a?b=c&level=2"
	to := webtest.Jar + "/auth/step-up?next=" + url.QueryEscape(target)
	browser := []string{"Cookie", cookie, "Sec-Fetch-Mode", "navigate"}
	ask := func(path, about string, more ...string) *webtest.Answer {
		t.Helper()
		return w.Ask(t, path, webtest.Asked(about, more...))
	}
	ask("/gate/check", target, browser...).Want(http.StatusOK)
	ask("/gate/check?level=1", target, browser...).Want(http.StatusOK)
	ask("/gate/check?level=2", target, browser...).Want(http.StatusUnauthorized, to).WantHeader("Remote-User", "")
	ask("/gate/forward?level=2", target, browser...).Want(http.StatusFound, to).WantHeader("Remote-User", "")
	ask("/gate/forward?level=2", target, append(browser, "X-Forwarded-Method", "POST", "Referer", target)...).Want(http.StatusSeeOther, to)
	var says struct{ Error, Location string }
	got := ask("/gate/forward?level=2", target, "Cookie", cookie, "Sec-Fetch-Mode", "cors").Want(http.StatusUnauthorized, to)
	if err := json.Unmarshal([]byte(got.Body), &says); err != nil || says.Location != to || says.Error != "a second factor is needed" {
		t.Errorf("the body is %s, %v", got.Body, err)
	}
	ask("/gate/check?level=2", target).Want(http.StatusUnauthorized, webtest.Jar+"/?next="+url.QueryEscape(target))
	ask("/gate/check?level=2&group=dev", target, browser...).Want(http.StatusForbidden)
	b.Get("/auth/step-up?next="+url.QueryEscape(target)).Want(http.StatusOK).Says("h1", "One more step").Says(".lead b", "wiki.example:8443").WantPage()

	raise(t, w)
	ask("/gate/check?level=2", target, browser...).Want(http.StatusOK).WantHeader("Remote-User", "ada")
	if got := b.Visit(webtest.Jar+"/auth/step-up?next="+url.QueryEscape(target), 5).Want(http.StatusOK); got.Body != "GET "+target+" as ada" {
		t.Errorf("it leads back to %q", got.Body)
	}
	b.Get("/auth/step-up?next=https://evil.example/").Want(http.StatusSeeOther, "/")
}

// noSecondFactor is the response to a program if a second factor is demanded.
const noSecondFactor = `{"error":"This opens only to people who signed in with a second factor. An app password does not count as one."}` + "\n"

// Attack factors/policy: with SECOND_FACTOR=required a session of level 1 is accepted for
// no app, whatever the proxy demands, and is redirected to the second factor.
func TestGateWhereEverybodyNeedsTwoFactors(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	w.Site = w.Again(t, func(c *handlers.Config) { c.SecondFactor = true })
	target := webtest.Elsewhere + "/a"
	to := webtest.Jar + "/auth/step-up?next=" + url.QueryEscape(target)
	browser := webtest.Asked(target, "Cookie", cookie, "Sec-Fetch-Mode", "navigate")
	for _, args := range []string{"", "?level=1"} {
		w.Ask(t, "/gate/check"+args, browser).Want(http.StatusUnauthorized, to).WantHeader("Remote-User", "")
		w.Ask(t, "/gate/forward"+args, browser).Want(http.StatusFound, to).WantHeader("Remote-User", "")
	}
	raise(t, w)
	w.Ask(t, "/gate/check", browser).Want(http.StatusOK).WantHeader("Remote-User", "ada")
}

// Attack gate/level: an app password is one factor.
func TestGateDemandsALevelOfPrograms(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Owner)
	secret := w.AppPassword(t, "ada", account.AppPassword{Name: "backup"})
	for _, path := range []string{"/gate/check", "/gate/forward"} {
		header := webtest.Asked(webtest.Elsewhere+"/", "Authorization", "Bearer "+secret)
		w.Ask(t, path+"?level=1", header).Want(http.StatusOK)
		got := w.Ask(t, path+"?level=2", header).Want(http.StatusForbidden).WantHeader("Content-Type", "application/json").WantHeader("Remote-User", "")
		if got.Body != noSecondFactor {
			t.Errorf("it says %s", got.Body)
		}
	}
}

// Attack gate/level: an invalid level is refused, and so is a level under Authelia's
// paths, where it could be the page's own arg; a page's own args are ignored there.
func TestGateLevelThatIsNone(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for _, row := range []struct {
		path, page string
		want       int
	}{
		{"/gate/check?level=3", "/", 400},
		{"/gate/check?level=", "/", 400},
		{"/gate/check?level=02", "/", 400},
		{"/gate/check?level=1&level=2", "/", 400},
		{"/gate/check?Level=2", "/", 400},
		{"/gate/forward?level=2", "/?level=1", 401},
		{"/api/authz/forward-auth?level=2", "/", 400},
		{"/api/authz/auth-request?level=2", "/a?level=1", 400},
		{"/api/authz/forward-auth?level=2", "/a?level=2", 200},
		{"/api/authz/forward-auth?level=high", "/a?level=high", 200},
	} {
		w.Ask(t, row.path, webtest.Asked(webtest.Elsewhere+row.page, "Cookie", cookie)).Want(row.want)
	}
}

// The assertion has the factors of the sign-in, and when the person last proved them.
func TestGateTellsHowSomebodySignedIn(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	at := w.Clock.Now().Unix()
	for _, want := range [][]string{{"pwd"}, {"otp", "pwd", "mfa"}} {
		got := w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)).Want(http.StatusOK)
		token, err := jwt.ParseSigned(got.Header.Get("Remote-Identity"), []jose.SignatureAlgorithm{jose.EdDSA})
		if err != nil {
			t.Fatal(err)
		}
		var says struct {
			AMR      []string `json:"amr"`
			AuthTime int64    `json:"auth_time"`
		}
		if err := token.UnsafeClaimsWithoutVerification(&says); err != nil || !slices.Equal(says.AMR, want) || says.AuthTime != at {
			t.Errorf("it says %+v, %v; want %q at %d", says, err, want, at)
		}
		raise(t, w)
	}
}
