package handlers_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/password"
)

func TestTheFormTakesItsArgs(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/auth"} {
		form := s.browser(t).get(path + "?username=Ada&next=/account&password=x").want(http.StatusOK)
		if got := form.find("#username").AttrOr("value", ""); got != "Ada" {
			t.Errorf("GET %s: the name is %q, want Ada", path, got)
		}
		if _, has := form.find("#password").Attr("value"); has {
			t.Errorf("GET %s: the password came back", path)
		}
		form.says(".head p b", "/account")
	}
}

// What a failed sign-in shows: one sentence that has the focus, and the form as
// it was but for the password.
func TestAFailedSignInKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t)
	got := s.browser(t).post("/auth", "username", "Ada", "password", other, "next", "/account", "remember", "1").
		want(http.StatusUnprocessableEntity)
	problem := got.find("[role=alert]")
	if _, focus := problem.Attr("autofocus"); !focus || problem.AttrOr("tabindex", "") != "-1" || problem.Length() != 1 {
		t.Error("the message does not take the focus")
	}
	if title := got.text("title"); !strings.HasPrefix(title, "Error: ") {
		t.Errorf("the title is %q, want it to begin with Error", title)
	}
	if _, ticked := got.find("[name=remember]").Attr("checked"); !ticked {
		t.Error("the tick is gone")
	}
	if got.find("#username").AttrOr("value", "") != "Ada" || got.find("[name=next]").AttrOr("value", "") != "/account" {
		t.Error("the name or next is gone")
	}
	if strings.Contains(got.body, other) || got.find("#password").AttrOr("aria-describedby", "") != "problem" {
		t.Error("the password came back, or is not described by the problem")
	}
}

func TestTheCookies(t *testing.T) {
	for _, row := range []struct {
		name, session, device string
		change                func(*handlers.Config)
		secure                bool
	}{
		{"over http", "glassjar", "glassjar-device", func(*handlers.Config) {}, false},
		{"over https", "__Host-glassjar", "__Host-glassjar-device", secure, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t, row.change)
			s.add(t, "ada", account.Owner)
			for remember, age := range map[string]time.Duration{"": 0, "1": 720 * time.Hour} {
				got := s.browser(t).post("/auth", "username", "ada", "password", good, "remember", remember).want(http.StatusSeeOther)
				if len(got.Cookies()) != 2 {
					t.Fatalf("got the cookies %q, want two", got.Header.Values("Set-Cookie"))
				}
				wantCookie(t, got.cookie(row.session), age, row.secure)
				wantCookie(t, got.cookie(row.device), 365*24*time.Hour, row.secure)
			}
		})
	}
}

// wantCookie fails the test unless the cookie is one of ours; age 0 is no
// Max-Age: until the browser is closed.
func wantCookie(t *testing.T, c *http.Cookie, age time.Duration, secure bool) {
	t.Helper()
	switch {
	case c == nil:
		t.Error("the cookie is not set")
	case c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Value == "":
		t.Errorf("got %s; want Path=/, HttpOnly, SameSite=Lax, no Domain, Secure %t", c, secure)
	case c.MaxAge != int(age/time.Second), (age == 0) != c.Expires.IsZero():
		t.Errorf("got %s; want a life of %v", c, age)
	}
}

// A remembered session outlives the idle limit; another does not.
func TestKeepMeSignedIn(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	short, long := s.signedIn(t, "ada"), s.browser(t)
	long.post("/auth", "username", "ada", "password", good, "remember", "1").want(http.StatusSeeOther)
	if text := long.get("/").text(".facts"); strings.Contains(text, "close the browser") {
		t.Errorf("home says %q, want no word of closing the browser", text)
	}
	if text := short.get("/").text(".facts"); !strings.Contains(text, "close the browser") {
		t.Errorf("home says %q, want that it ends with the browser", text)
	}
	s.clock.move(25 * time.Hour)
	short.get("/account").want(http.StatusSeeOther)
	long.get("/account").want(http.StatusOK)
	s.clock.move(720*time.Hour - 25*time.Hour)
	long.get("/account").want(http.StatusSeeOther)
}

// Attack cookie/fixation: a cookie that comes in with a sign-in is ended by it.
func TestFixation(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "eve", account.Member)
	for _, first := range []string{"eve", "ada"} {
		planted := s.signedIn(t, first)
		planted.get("/account").want(http.StatusOK) // now it is in the cache
		victim := planted.clone()
		victim.signIn("ada", good).want(http.StatusSeeOther)
		victim.get("/account").want(http.StatusOK).says(".who span", "ada")
		planted.get("/account").want(http.StatusSeeOther)
	}
}

// A full line for the hasher: 503, and the form again. Nothing is counted.
func TestBusy(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	full := password.NewHasher(tiny, 1, -1) // no place at all, not even for one
	busy := s.again(t, func(c *handlers.Config) {
		c.Accounts = account.New(account.Options{DB: s.db, Sessions: s.sessions, Hasher: full, Now: s.clock.now})
	})
	inside := busy.person(t, "ada")
	link := s.link(t, account.Member)
	before := s.state(t)
	for path, fields := range map[string][]string{
		"/auth":             {"username", "ada", "password", good},
		"/account/password": {"current", good, "password", other},
		link:                {"username", "eve", "password", other},
	} {
		for range 25 {
			got := inside.clone().post(path, fields...).want(http.StatusServiceUnavailable).header("Retry-After", "1")
			got.says("[role=alert] p", "Too many people are signing in just now. Try again in a second.")
			got.wantHeaders(headersOf{})
		}
	}
	if s.state(t) != before {
		t.Error("something changed")
	}
	inside.get("/").want(http.StatusOK)
	s.browser(t).post(link, "username", "eve", "password", other).want(http.StatusSeeOther)
}

// A sign-in with a password hashed with less than today's cost makes the hash
// anew, and is a sign-in like any other.
func TestOldHashesAreMadeAnew(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	dearer := password.NewHasher(password.Params{Memory: 128, Time: 1, Threads: 1}, 4, 256)
	s = s.again(t, func(c *handlers.Config) {
		c.Accounts = account.New(account.Options{DB: s.db, Sessions: s.sessions, Hasher: dearer, Now: s.clock.now})
	})
	for range 2 {
		s.signedIn(t, "ada").get("/account").want(http.StatusOK)
	}
	if hash := s.texts(t, `SELECT password FROM accounts`)[0]; !strings.Contains(hash, "m=128,") {
		t.Errorf("the hash is %q, want m=128", hash)
	}
}

// The known numbers of the header: seconds, whole, and never none.
func (a *answer) retryAfter() time.Duration {
	a.t.Helper()
	n, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || n < 1 {
		a.t.Fatalf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	return time.Duration(n) * time.Second
}
