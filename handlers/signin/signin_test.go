package signin_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/password"
)

func TestTheFormTakesItsArgs(t *testing.T) {
	s := webtest.New(t)
	for _, path := range []string{"/", "/auth"} {
		form := s.Browser(t).Get(path + "?username=Ada&next=/account&password=x").Want(http.StatusOK)
		if got := form.Find("#username").AttrOr("value", ""); got != "Ada" {
			t.Errorf("GET %s: the name is %q, want Ada", path, got)
		}
		if _, has := form.Find("#password").Attr("value"); has {
			t.Errorf("GET %s: the password came back", path)
		}
		form.Says(".head p b", "/account")
	}
}

// After a failed sign-in, the form shows a sentence that has the focus, and the input without
// the password.
func TestAFailedSignInKeepsWhatWasTyped(t *testing.T) {
	s := webtest.New(t)
	got := s.Browser(t).Post("/auth", "username", "Ada", "password", webtest.Other, "next", "/account", "remember", "1").
		Want(http.StatusUnprocessableEntity)
	problem := got.Find("[role=alert]")
	if _, focus := problem.Attr("autofocus"); !focus || problem.AttrOr("tabindex", "") != "-1" || problem.Length() != 1 {
		t.Error("the message does not take the focus")
	}
	if title := got.Text("title"); !strings.HasPrefix(title, "Error: ") {
		t.Errorf("the title is %q, want it to begin with Error", title)
	}
	if _, ticked := got.Find("[name=remember]").Attr("checked"); !ticked {
		t.Error("the tick is gone")
	}
	if got.Find("#username").AttrOr("value", "") != "Ada" || got.Find("[name=next]").AttrOr("value", "") != "/account" {
		t.Error("the name or next is gone")
	}
	if strings.Contains(got.Body, webtest.Other) || got.Find("#password").AttrOr("aria-describedby", "") != "problem" {
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
		{"over https", "__Host-glassjar", "__Host-glassjar-device", webtest.Secure, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := webtest.New(t, row.change)
			s.Add(t, "ada", account.Owner)
			for remember, age := range map[string]time.Duration{"": 0, "1": 720 * time.Hour} {
				got := s.Browser(t).Post("/auth", "username", "ada", "password", webtest.Good, "remember", remember).Want(http.StatusSeeOther)
				if len(got.Cookies()) != 2 {
					t.Fatalf("got the cookies %q, want two", got.Header.Values("Set-Cookie"))
				}
				webtest.WantCookie(t, got.Cookie(row.session), age, row.secure)
				webtest.WantCookie(t, got.Cookie(row.device), 365*24*time.Hour, row.secure)
			}
		})
	}
}

// A remembered session outlives the idle limit; another does not.
func TestKeepMeSignedIn(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	short, long := s.SignedIn(t, "ada"), s.Browser(t)
	long.Post("/auth", "username", "ada", "password", webtest.Good, "remember", "1").Want(http.StatusSeeOther)
	if text := long.Get("/").Text(".facts"); strings.Contains(text, "close the browser") {
		t.Errorf("home says %q, want no word of closing the browser", text)
	}
	if text := short.Get("/").Text(".facts"); !strings.Contains(text, "close the browser") {
		t.Errorf("home says %q, want that it ends with the browser", text)
	}
	s.Clock.Move(25 * time.Hour)
	short.Get("/account").Want(http.StatusSeeOther)
	long.Get("/account").Want(http.StatusOK)
	s.Clock.Move(720*time.Hour - 25*time.Hour)
	long.Get("/account").Want(http.StatusSeeOther)
}

// Attack cookie/fixation: the session of a cookie that is sent with a sign-in is ended.
func TestFixation(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "eve", account.Member)
	for _, first := range []string{"eve", "ada"} {
		planted := s.SignedIn(t, first)
		planted.Get("/account").Want(http.StatusOK) // puts the session into the cache
		victim := planted.Clone()
		victim.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
		victim.Get("/account").Want(http.StatusOK).Says(".who span", "ada")
		planted.Get("/account").Want(http.StatusSeeOther)
	}
}

// If the hashing queue is full, the answer is 503 with the form, and nothing is counted.
func TestBusy(t *testing.T) {
	t.Parallel() // each sign-in that is shed waits 250 ms
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	full := password.NewHasher(webtest.Tiny, 1, -1) // no slot, not even for one
	busy := s.Again(t, func(c *handlers.Config) {
		c.Accounts = account.New(account.Options{DB: s.DB, Sessions: s.Sessions, Hasher: full, Now: s.Clock.Now})
	})
	inside := busy.Person(t, "ada")
	link := s.Link(t, account.Member)
	before := s.State(t)
	for path, fields := range map[string][]string{
		"/auth":             {"username", "ada", "password", webtest.Good},
		"/account/password": {"current", webtest.Good, "password", webtest.Other},
		link:                {"username", "eve", "password", webtest.Other},
	} {
		for range 25 {
			got := inside.Clone().Post(path, fields...).Want(http.StatusServiceUnavailable).WantHeader("Retry-After", "1")
			got.Says("[role=alert] p", "Too many people are signing in just now. Try again in a second.")
			got.WantHeaders(webtest.HeadersOf{})
		}
	}
	if s.State(t) != before {
		t.Error("something changed")
	}
	inside.Get("/").Want(http.StatusOK)
	s.Browser(t).Post(link, "username", "eve", "password", webtest.Other).Want(http.StatusSeeOther)
}

// A sign-in with a password whose hash has old parameters replaces the hash, and is otherwise
// like any other.
func TestOldHashesAreMadeAnew(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	dearer := password.NewHasher(password.Params{Memory: 128, Time: 1, Threads: 1}, 4, 256)
	s = s.Again(t, func(c *handlers.Config) {
		c.Accounts = account.New(account.Options{DB: s.DB, Sessions: s.Sessions, Hasher: dearer, Now: s.Clock.Now})
	})
	for range 2 {
		s.SignedIn(t, "ada").Get("/account").Want(http.StatusOK)
	}
	if hash := s.Texts(t, `SELECT password FROM accounts`)[0]; !strings.Contains(hash, "m=128,") {
		t.Errorf("the hash is %q, want m=128", hash)
	}
}

// retryAfter returns the duration in the Retry-After header: whole seconds, at least one.
func retryAfter(a *webtest.Answer) time.Duration {
	a.T.Helper()
	n, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || n < 1 {
		a.T.Fatalf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	return time.Duration(n) * time.Second
}
