package lab_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/password"
)

// ticking is a clock that each reading advances by a second.
func ticking(c *handlers.Config) {
	now := c.Now
	looks := make(chan time.Duration, 1)
	looks <- 0
	c.Now = func() time.Time {
		n := <-looks + time.Second
		looks <- n
		return now().Add(n)
	}
}

func TestLabKeepsAPasswordTwice(t *testing.T) {
	s := webtest.New(t, webtest.WithLab, ticking)
	b := s.Browser(t)
	if got := b.Get("/lab/password").Want(http.StatusOK); got.Find("#hash").Length() != 0 {
		t.Error("a GET hashes something")
	}
	got := b.Post("/lab/password", "password", "correct horse battery").Want(http.StatusOK)
	got.WantPage()
	hash, again := got.Text("#hash"), got.Text("#again")
	shape := regexp.MustCompile(`^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`)
	if hash == again || !shape.MatchString(hash) || !shape.MatchString(again) {
		t.Errorf("it is kept as %q and %q", hash, again)
	}
	for _, phc := range []string{hash, again} {
		if _, err := s.Hasher.Verify(t.Context(), phc, "correct horse battery"); err != nil {
			t.Errorf("%s is not its hash: %v", phc, err)
		}
		if got.Text("#hash .t")+got.Text("#hash .p")+"$"+got.Text("#hash .s") != hash {
			t.Error("its parts are not the hash")
		}
	}
	got.Says(".part.t dd", "argon2id64 KiB of memory1 round, 1 lane")
	got.Says("#fast", "9028ea0d15decaa35b2da21c0290af3b1a5ba0a30a591906f89b5074e209ea72") // printf %s … | sha256sum
	got.Says(".costs tbody tr:nth-child(2)", "argon2id500 ms21 h 23 min")
	got.Says("#verdict h3", "Not on the list").Says("#verdict p", "It is not among the most used passwords, nor is what is left without the digits and signs around it. It has 21 characters.")
	if strings.Contains(got.Body, "correct horse") || strings.Contains(s.Log.String(), "correct") {
		t.Error("the password is on the page or in the log")
	}
	if got.Find("#password").AttrOr("autocomplete", "") != "off" {
		t.Error("browsers may keep what is typed")
	}
	got = b.Post("/lab/password", "password", "Password1!")
	got.Says("#verdict h3", "On the list").Says("#verdict p", "It is among the most used passwords, perhaps repeated, or with digits or signs around it. Who guesses tries it first, and no hash helps. It has 10 characters: this site asks for at least 15.")
}

// The lab and the form of one's own password give the true reason why a password is refused.
func TestLabPasswordSaysWhyItIsRefused(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Member)
	b := s.SignedIn(t, "ada")
	const few = "It is not on the list, but it is four characters or fewer, once or again and again. This site refuses such a one too."
	for _, tt := range []struct{ pw, title, why, problem string }{
		{"baseballbaseballbase", "On the list", "It is among the most used passwords", "That password is on the lists that attackers try first"},
		{"kqzvkqzvkqzvkqzv", "Only a few characters", few, "That password is only a few characters, again and again. Choose another."},
		{"zqkw", "Only a few characters", few, ""},
		{"🐎🔋📎🐟", "Only a few characters", few, ""},
		{"日本語", "Only a few characters", few, ""},
		{"zqkwv", "Not on the list", "It is not among the most used passwords, nor", ""},
	} {
		got := b.Post("/lab/password", "password", tt.pw).Want(http.StatusOK)
		got.WantPage()
		got.Says("#verdict h3", tt.title)
		if why := got.Text("#verdict p"); !strings.HasPrefix(why, tt.why) {
			t.Errorf("of %s the lab says %q", tt.pw, why)
		}
		if good := got.Find("#verdict.good").Length() == 1; good != (tt.title == "Not on the list") {
			t.Errorf("of %s the lab thinks well: %t", tt.pw, good)
		}
		form := b.Post("/account/password", "current", webtest.Good, "password", tt.pw).Want(http.StatusUnprocessableEntity)
		if problem := form.Text("[role=alert] p"); tt.problem != "" && !strings.HasPrefix(problem, tt.problem) {
			t.Errorf("of %s the form says %q", tt.pw, problem)
		}
	}
}

func TestLabPasswordThatCannotBeKept(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	for _, tt := range []struct{ row, pw, why string }{
		{"nothing", "", "Type something: any word but a real password."},
		{"too long", strings.Repeat("ä", 201), "A password has at most 200 characters here. Nothing was hashed."},
		{"a control character", "a\x01b", "There is a character in it that no password may have. Nothing was hashed."},
	} {
		t.Run(tt.row, func(t *testing.T) {
			got := b.Post("/lab/password", "password", tt.pw).Want(http.StatusOK)
			got.WantPage()
			if got.Says("#problem p", tt.why); got.Find("#hash").Length() != 0 {
				t.Error("there is a hash")
			}
		})
	}
	for _, two := range []string{"\u00e4", "a\u0308"} { // one character, also if it is sent as two
		got := b.Post("/lab/password", "password", strings.Repeat(two, 200)).Says("#problem", "")
		if want := "It has 200 characters."; !strings.HasSuffix(got.Text("#verdict p"), want) {
			t.Errorf("got %q, want %s", got.Text("#verdict p"), want)
		}
	}
	short := b.Post("/lab/password", "password", "cafe\u0301 au laits!").Text("#verdict p")
	if want := "It has 14 characters: this site asks for at least 15."; !strings.HasSuffix(short, want) {
		t.Errorf("got %q, want %s", short, want)
	}
	b.Post("/lab/password", "password", "\xff").Want(http.StatusBadRequest)
}

// Sign-ins come first: if no slot is free, the lab hashes nothing.
func TestLabHashesWhenNobodySignsIn(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	full := password.NewHasher(webtest.Tiny, 1, -1) // no slot at all
	busy := s.Again(t, func(c *handlers.Config) {
		c.Accounts = account.New(account.Options{DB: s.DB, Sessions: s.Sessions, Hasher: full, Now: s.Clock.Now})
	})
	got := busy.Browser(t).Post("/lab/password", "password", "correct horse battery").Want(http.StatusServiceUnavailable)
	got.WantPage()
	got.WantHeader("Retry-After", "1").Says("#problem p", "Somebody signs in just now, and that comes first. Try again in a second.")
}
