package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"glassjar/utl/audit"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

func TestNoKeyIsRefused(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	if err := s.SetKeys(nil); err == nil {
		t.Error("SetKeys takes none")
	}
	o := s.opt
	o.Keys = nil
	if _, err := session.New(o); err == nil {
		t.Error("New takes none")
	}
	s.live(t, cookie) // the old keys are still in use
}

// Attack cookie/rotated-key: after a rotation old cookies are accepted and new ones are
// signed with the new key; once the old key is removed, cookies that it signed are refused.
func TestRotation(t *testing.T) {
	s := newSite(t)
	old, fresh := s.opt.Keys[0], newKey()
	before := s.signIn(t, "ada", true)
	if w := renewed(t, s, before); len(w.Result().Cookies()) != 0 {
		t.Errorf("a cookie of the newest key was sent again: %v", w.Header())
	}
	if err := s.SetKeys([][32]byte{fresh, old}); err != nil {
		t.Fatal(err)
	}
	found := s.live(t, before)
	s.clock.Move(time.Hour)
	again, after := only(t, renewed(t, s, before)), s.signIn(t, "bob", false)
	if _, payload := taken(t, before.Value); sign(fresh, s.Name(), dateOf(t, again), payload) != again.Value {
		t.Errorf("the cookie sent again holds something else, or is not signed with the new key")
	}
	want := int((most-time.Hour)/time.Second) - 1 // less the second that has begun
	if again.MaxAge != want || !again.HttpOnly || again.SameSite != http.SameSiteLaxMode || again.Path != "/" {
		t.Errorf("got %q, want Max-Age %d: what is left", again.Raw, want)
	}
	if err := s.SetKeys([][32]byte{fresh}); err != nil {
		t.Fatal(err)
	}
	s.none(t, request(before))
	s.live(t, after)
	if got := s.live(t, again); got.SID != found.SID || !got.Started.Equal(found.Started) {
		t.Errorf("got %+v, want the session of before, %+v", got, found)
	}
	if err := s.SetKeys([][32]byte{old}); err != nil {
		t.Fatal(err)
	}
	s.none(t, request(again))
	s.none(t, request(after))
}

func TestACookieWithoutMaxAgeIsSentAgainWithoutOne(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	if err := s.SetKeys([][32]byte{newKey(), s.opt.Keys[0]}); err != nil {
		t.Fatal(err)
	}
	if again := only(t, renewed(t, s, cookie)); again.MaxAge != 0 || !again.Expires.IsZero() {
		t.Errorf("got %q, want no Max-Age", again.Raw)
	}
}

// renewed returns the response of Renew to a request with the cookie.
func renewed(t *testing.T, s *site, c *http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Renew(w, request(c), s.live(t, c)); err != nil {
		t.Fatal(err)
	}
	return w
}

func dateOf(t *testing.T, c *http.Cookie) int64 {
	t.Helper()
	date, _ := taken(t, c.Value)
	return date
}

// wantCleared fails the test unless the response deletes the cookie.
func wantCleared(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if c := only(t, w); c.Value != "" || c.MaxAge >= 0 {
		t.Errorf("got %q, want it cleared", c.Raw)
	}
}

// The store works through gorilla's interface, as gorilla's own stores do.
func TestGorilla(t *testing.T) {
	s := newSite(t)
	r := request(s.signIn(t, "ada", true))
	gs, err := s.Get(r, s.Name())
	if err != nil || gs.IsNew || gs.Values["username"] != "ada" {
		t.Fatalf("got %+v, error %v; want the cookie's session", gs, err)
	}
	if same, err := s.Get(r, s.Name()); same != gs || err != nil {
		t.Errorf("got another session the second time, or error %v", err)
	}
	gs.Options.MaxAge = -1 // deletes the cookie
	w := httptest.NewRecorder()
	if err := sessions.Save(r, w); err != nil {
		t.Fatal(err)
	}
	wantCleared(t, w)
}

func TestGorillaSavesNothing(t *testing.T) {
	s := newSite(t)
	t.Run("Save without values clears", func(t *testing.T) {
		gs := sessions.NewSession(s, s.Name())
		gs.Options = &sessions.Options{MaxAge: 60}
		w := httptest.NewRecorder()
		if err := gs.Save(request(s.signIn(t, "ada", true)), w); err != nil {
			t.Fatal(err)
		}
		wantCleared(t, w)
	})
	t.Run("Save says that a value is too long", func(t *testing.T) {
		w := httptest.NewRecorder()
		v := verified("ada")
		v.Username = strings.Repeat("a", 4000)
		if _, err := s.Start(w, request(), v, false, audit.Command()); err == nil || slices.Contains(w.Header()["Set-Cookie"], "=") {
			t.Errorf("got error %v and %v, want an error and no cookie", err, w.Header())
		}
	})
}

func TestGorillaReadsNothing(t *testing.T) {
	s := newSite(t)
	t.Run("a bad cookie is a new session and an error", func(t *testing.T) {
		gs, err := s.New(request(cookiesNamed(s.Name(), "bad")), s.Name())
		if err == nil || !gs.IsNew || len(gs.Values) != 0 || !gs.Options.HttpOnly || gs.Options.SameSite != http.SameSiteLaxMode {
			t.Errorf("got %+v, error %v; want a new session with our attributes", gs, err)
		}
		if errors.Is(err, session.ErrNone) {
			t.Error("New must not say what only Find can know")
		}
	})
	t.Run("another name is another cookie", func(t *testing.T) {
		if gs, err := s.New(request(cookiesNamed("lab", s.signIn(t, "ada", true).Value)), "lab"); err == nil || !gs.IsNew {
			t.Errorf("got %+v, want an error", gs)
		}
	})
}
