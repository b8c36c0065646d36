package handlers_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/passkey/passkeytest"
)

// trips are the maximum numbers of round trips to PostgreSQL per page or form, once its
// statements are prepared. A form has 15 s: 28 round trips of half a second each.
var trips = []struct {
	name string
	most int
	do   func(t *testing.T, w tripWorld, i int)
}{
	{"a page", 0, func(_ *testing.T, w tripWorld, _ int) { w.ada.Get("/logout").Want(http.StatusOK) }},
	{"a wrong password", 11, func(t *testing.T, w tripWorld, i int) {
		t.Helper()
		w.site.Stranger(t, "198.51.100."+strconv.Itoa(i)).SignIn("none", webtest.Other).Want(http.StatusUnprocessableEntity)
	}},
	{"a sign-in", 16, func(t *testing.T, w tripWorld, _ int) {
		t.Helper()
		w.site.Browser(t).SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
	}},
	{"a sign-in of a known browser", 16, func(_ *testing.T, w tripWorld, _ int) {
		w.ada.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
	}},
	{"the password before an app's code", 18, func(t *testing.T, w tripWorld, i int) {
		t.Helper()
		w.bob[i].SignIn("bob", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	}},
	{"an app's code", 22, func(t *testing.T, w tripWorld, i int) {
		t.Helper()
		w.bob[i].Post("/auth/code", "code", w.app.Code(t)).Want(http.StatusSeeOther)
	}},
	{"a sign-in with a passkey", 18, func(t *testing.T, w tripWorld, _ int) {
		t.Helper()
		w.site.SignedInBy(t, w.device)
	}},
	{"a join", 22, func(t *testing.T, w tripWorld, i int) {
		t.Helper()
		w.site.Browser(t).Post(w.links[i], "username", "new"+strconv.Itoa(i), "password", webtest.Good).Want(http.StatusSeeOther)
	}},
	{"a new password", 26, func(t *testing.T, w tripWorld, i int) {
		t.Helper()
		form := []string{"current", webtest.Good, "password", webtest.Other}
		if i%2 == 1 {
			form = []string{"current", webtest.Other, "password", webtest.Good}
		}
		w.cid.Post("/account/password", form...).Want(http.StatusSeeOther)
	}},
	{"one's account", 7, func(_ *testing.T, w tripWorld, _ int) { w.ada.Get("/account").Want(http.StatusOK) }},
	{"the people", 4, func(_ *testing.T, w tripWorld, _ int) { w.ada.Get("/people").Want(http.StatusOK) }},
	{"a sign-out", 6, func(t *testing.T, w tripWorld, i int) {
		t.Helper()
		w.out[i].Post("/logout").Want(http.StatusSeeOther)
	}},
}

type tripWorld struct {
	site     *webtest.Site
	ada, cid *webtest.Browser
	out, bob []*webtest.Browser
	app      webtest.App
	device   *passkeytest.Device // of dan
	links    []string
}

// tripRuns is how often each is run: the first runs prepare statements.
const tripRuns = 4

// PostgreSQL may be far away: no page or form needs more round trips than allowed.
func TestRoundTrips(t *testing.T) {
	server := dbtest.Need(t)
	at, wire := server.Through(t, server.New(t))
	w := tripWorld{site: webtest.NewAt(t, at, webtest.WithPasskeys)}
	for name, role := range map[string]string{"ada": account.Owner, "bob": account.Member, "cid": account.Member, "dan": account.Member} {
		w.site.Add(t, name, role)
	}
	w.ada, w.cid, w.app = w.site.SignedIn(t, "ada"), w.site.SignedIn(t, "cid"), w.site.AddApp(t, "bob")
	w.device = w.site.Device()
	w.site.SignedIn(t, "dan").AddPasskey(w.device, "phone")
	for range tripRuns {
		w.out, w.bob = append(w.out, w.site.SignedIn(t, "ada")), append(w.bob, w.site.Browser(t))
		w.links = append(w.links, w.site.Link(t, account.Member))
	}
	for _, tt := range trips {
		least := 0
		for i := range tripRuns {
			w.site.Clock.Move(30 * time.Second) // for the app's next code
			if err := w.site.Sessions.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.ada.Get("/logout").Want(http.StatusOK) // whose session is read once a minute
			w.cid.Get("/logout")
			before := wire.Trips()
			tt.do(t, w, i)
			if n := wire.Trips() - before; i == 0 || n < least {
				least = n
			}
		}
		t.Logf("%s: %d round trips", tt.name, least)
		if least > tt.most {
			t.Errorf("%s took %d round trips, want at most %d", tt.name, least, tt.most)
		}
	}
}
