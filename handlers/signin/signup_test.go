package signin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

func TestByInvitationNobodyIsToldOfSignUp(t *testing.T) {
	for _, signUp := range []string{"", account.ByInvitation} {
		s := webtest.New(t, func(c *handlers.Config) { c.SignUp = signUp })
		s.Add(t, "ada", account.Owner)
		b := s.Browser(t)
		b.Get("/join").Want(http.StatusNotFound)
		b.Post("/join", "username", "eve", "password", webtest.Good).Want(http.StatusNotFound)
		for _, page := range []string{"/", "/?next=%2Faccount", "/auth?username=ada"} {
			if got := b.Get(page); strings.Contains(got.Body, "/join") {
				t.Errorf("%s leads to /join", page)
			}
		}
	}
}

func TestOpenSignUp(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	b := s.Browser(t)
	b.Get("/join").Want(http.StatusConflict).Says("h1", "The owner comes first")
	b.Post("/join", "username", "eve", "password", webtest.Good).Want(http.StatusConflict).Says("h1", "The owner comes first")
	s.Add(t, "ada", account.Owner)
	for _, page := range []string{"/", "/?next=%2Faccount"} {
		if b.Get(page).Find("a[href='/join']").Length() != 1 {
			t.Errorf("%s does not lead to /join", page)
		}
	}
	b.Get("/join").Want(http.StatusOK).WantPage()
	b.Post("/join", "username", " Eve ", "password", webtest.Good, "email", "eve@site.example", "role", "owner").Want(http.StatusSeeOther, "/")
	b.Get("/account").Want(http.StatusOK).Says(".lead", "You are eve, a member of this site.")
	b.Get("/people").Want(http.StatusForbidden)
}

// A taken username is reported only if the rest of the form is valid. The form keeps the
// input without the password.
func TestSignUpMistakes(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "dan", account.Member)
	s.Delete(t, "dan")
	for _, tt := range []struct{ username, password, email, says string }{
		{"a b", webtest.Good, "", "A username is 1 to 32"},
		{"Admin", webtest.Good, "", "is reserved"},
		{"ada", "short", "", "too short"},
		{"founder", "the founder of a jar", "", "contains your username"},
		{"eve", "", "", "too short"},
		{"ada", webtest.Good, "nowhere", "no email address"},
		{"Ada", webtest.Good, "ada@site.example", "is taken"},
		{"dan", webtest.Good, "", "is taken"},
	} {
		got := s.Browser(t).Post("/join", "username", tt.username, "password", tt.password, "email", tt.email).Want(http.StatusUnprocessableEntity)
		if !strings.Contains(got.Text("#problem"), tt.says) {
			t.Errorf("%+v: it says %q", tt, got.Text("#problem"))
		}
		if name, email := got.Find("#username").AttrOr("value", ""), got.Find("#email").AttrOr("value", ""); name != tt.username || email != tt.email {
			t.Errorf("%+v: the form keeps %q and %q", tt, name, email)
		}
		if got.Find("[type=password][value]").Length() > 0 {
			t.Errorf("%+v: the form keeps the password", tt)
		}
	}
}

// Attack people/sign-up: the number of accounts, and of usernames tried, per address is
// limited.
func TestSignUpIsThrottled(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner)
	for range 10 {
		s.Browser(t).Post("/join", "username", "ada", "password", webtest.Good).Want(http.StatusUnprocessableEntity)
	}
	got := s.Browser(t).Post("/join", "username", "eve", "password", webtest.Good).Want(http.StatusTooManyRequests).WantHeader("Retry-After", "3600")
	if says := got.Text("#problem"); !strings.Contains(says, "Wait 60 minutes") {
		t.Errorf("it says %q", says)
	}
	if n := len(s.Texts(t, `SELECT id FROM accounts`)); n != 1 {
		t.Errorf("there are %d accounts", n)
	}
	s.SignedIn(t, "ada") // a sign-in from the same address is still possible
	s.Clock.Move(time.Hour)
	s.Browser(t).Post("/join", "username", "eve", "password", webtest.Good).Want(http.StatusSeeOther)
}

// Accounts wait for an owner also when nobody can ask for one any more.
func TestOwnersAreToldOfWhoWaits(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Asks(t, "fay")
	if got := s.SignedIn(t, "ada").Get("/").Text(".todo"); !strings.Contains(got, "An account waits") {
		t.Errorf("home tells the owner %q", got)
	}
}

func TestApproval(t *testing.T) {
	s := webtest.New(t, webtest.WithApproval)
	s.Add(t, "ada", account.Owner)
	b, owner := s.Browser(t), s.SignedIn(t, "ada")
	if owner.Get("/").Find(".todo a[href='/people?state=waiting']").Length() != 0 {
		t.Error("home tells of accounts that wait, and none does")
	}
	b.Get("/join?done=").Want(http.StatusOK).Says("h1", "Your account waits").WantPage()
	asked := b.Post("/join", "username", "eve", "password", webtest.Good, "email", "eve@site.example").Want(http.StatusSeeOther, "/join?done=waiting")
	if len(asked.Cookies()) > 0 {
		t.Errorf("who waits gets %v", asked.Cookies())
	}
	b.Get("/join?done=waiting").Want(http.StatusOK).Says("h1", "Your account waits")
	b.Get("/account").Want(http.StatusSeeOther)

	waits := b.Post("/auth", "username", "eve", "password", webtest.Good).Want(http.StatusUnprocessableEntity).Says("#waiting h2", "Your account waits")
	if len(waits.Cookies()) > 0 || waits.Find("[aria-invalid]").Length() > 0 {
		t.Errorf("the right password: cookies %v", waits.Cookies())
	}
	waits.WantPage()
	s.Asks(t, "fay")
	if got := owner.Get("/").Want(http.StatusOK); !strings.Contains(got.Text(".todo"), "2 accounts wait") || got.Find("a[href='/people?state=waiting']").Length() != 1 {
		t.Errorf("home tells the owner %q", got.Text(".todo"))
	}
	s.Add(t, "bob", account.Member)
	if s.SignedIn(t, "bob").Get("/").Find(".todo").Length() != 0 {
		t.Error("home tells a member who waits")
	}
	list := owner.Get("/people?state=waiting").Want(http.StatusOK)
	if got := list.Find("tbody tr").Length(); got != 2 {
		t.Errorf("%d wait on /people", got)
	}
	owner.Get("/people/eve").Want(http.StatusOK).Says("#waits", "Waits for an owner’s yes").WantPage()
	owner.Post("/people/eve/approve").Want(http.StatusSeeOther, "/people/eve?done=approve")
	owner.Post("/people/eve/approve").Want(http.StatusUnprocessableEntity)
	owner.Post("/people/fay/reject").Want(http.StatusSeeOther, "/people?done=rejected")
	owner.Post("/people/eve/reject").Want(http.StatusUnprocessableEntity)
	owner.Get("/people/fay").Want(http.StatusNotFound)
	s.SignedIn(t, "eve").Get("/account").Want(http.StatusOK)
	if owner.Get("/").Find(".todo a[href='/people?state=waiting']").Length() != 0 {
		t.Error("home still tells of accounts that wait")
	}
}

// Attack people/sign-up, guessing/same-answers: with a wrong password, an account that
// waits for approval gets the same bytes as an unknown name.
func TestWhoWaitsIsNotTold(t *testing.T) {
	s := webtest.New(t, webtest.WithApproval)
	s.Asks(t, webtest.KnownName)
	known := s.Browser(t).SignIn(webtest.KnownName, webtest.Other).Want(http.StatusUnprocessableEntity)
	unknown := s.Browser(t).SignIn(webtest.UnknownName, webtest.Other).Want(http.StatusUnprocessableEntity)
	if strings.ReplaceAll(known.Body, webtest.KnownName, webtest.UnknownName) != unknown.Body {
		t.Errorf("who waits gets\n%s\nnobody gets\n%s", known.Body, unknown.Body)
	}
}

// If too many accounts wait, people are told to come back later; waiting accounts can
// still be approved.
func TestTooManyWait(t *testing.T) {
	s := webtest.New(t, webtest.WithApproval)
	s.Asks(t, "eve")
	s.Exec(t, `INSERT INTO accounts (id, username, role, password, created_at, disabled_at, waiting_at)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) SELECT 'id' || i, 'w' || i, 'member', '', 1, 1, 1 FROM n`)
	got := s.Browser(t).Post("/join", "username", "fay", "password", webtest.Good).Want(http.StatusServiceUnavailable).WantHeader("Retry-After", "86400")
	if !strings.Contains(got.Text("#problem"), "Try again tomorrow") || got.Find("#username").AttrOr("value", "") != "fay" {
		t.Errorf("it says %q", got.Text("#problem"))
	}
	if err := s.Accounts.Approve(t.Context(), "eve", audit.Command()); err != nil {
		t.Fatal(err)
	}
	s.Browser(t).Post("/join", "username", "fay", "password", webtest.Good).Want(http.StatusSeeOther)
}

func TestWhoDeletedTheirAccountIsTold(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	to := b.Post("/account/delete", "confirm", "bob").Want(http.StatusSeeOther, "/?done=deleted").Header.Get("Location")
	b.Get(to).Want(http.StatusOK).Says("#deleted h2", "Your account is deleted").WantPage()
	if b.Get("/").Find("#deleted").Length() != 0 {
		t.Error("it is told for ever")
	}
}
