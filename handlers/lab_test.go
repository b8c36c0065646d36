package handlers_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/anatomy"
)

// labKey is the key with which the lab of the tests signs.
var labKey = bytes.Repeat([]byte("89abcdef01234567"), 2)

// withLab switches the lab on.
func withLab(c *handlers.Config) {
	lab, err := anatomy.New(labKey, deviceKey)
	if err != nil {
		panic(err)
	}
	c.Lab = lab
}

// held returns the value of the browser's cookie, or "".
func (b *browser) held(name string) string {
	b.t.Helper()
	for _, c := range b.Jar.Cookies(parse(b.t, b.base)) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// labPaths are the lab's pages.
var labPaths = []string{"/lab", "/lab/request", "/lab/session", "/lab/cookie", "/lab/key", "/lab/wire"}

func TestTheLabHasEveryRoute(t *testing.T) {
	all := by{200, 200, 200}
	for name, change := range map[string]func(*handlers.Config){"over http": withLab, "over https": func(c *handlers.Config) { secure(c); withLab(c) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, change)
			s.add(t, "bob", account.Member)
			s.add(t, "ada", account.Owner)
			for _, path := range labPaths {
				row := swept{pattern: path, get: all, post: all}
				if path == "/lab" {
					row.post = by{}
				}
				for who, as := range []string{anonymous: "", member: "bob", owner: "ada"} {
					b := s.person(t, as)
					for _, method := range sweptMethods {
						s.sweep(t, row, method, who, b)
					}
				}
			}
		})
	}
}

func TestLabOffIsNowhere(t *testing.T) {
	s := newSite(t, func(c *handlers.Config) { c.Lab = nil })
	s.add(t, "ada", account.Owner)
	signedIn, signedOut := s.signedIn(t, "ada"), s.browser(t)
	for _, path := range labPaths {
		signedIn.get(path).want(http.StatusNotFound)
		signedOut.post(path).want(http.StatusNotFound)
	}
	for _, path := range []string{"/", "/auth", "/account", "/logout", "/nowhere"} {
		for _, b := range []*browser{signedIn, signedOut} {
			if got := b.get(path); got.find("[href*='/lab'], [action*='/lab']").Length() > 0 {
				t.Errorf("%s links to the lab", path)
			}
		}
	}
}

func TestLabOnIsLinked(t *testing.T) {
	s := newSite(t, withLab)
	s.add(t, "ada", account.Owner)
	for _, b := range []*browser{s.signedIn(t, "ada"), s.browser(t)} {
		if got := b.get("/"); got.find("a[href='/lab']").Length() == 0 {
			t.Errorf("nothing at / leads to the lab")
		}
		b.get("/lab").says("nav[aria-label=Main] [aria-current]", "Lab")
		b.get("/lab/key").says(".steps [aria-current]", "Key")
	}
}

func TestLabHasFiguresOfThisVisitor(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	figures := func(got *answer) []string {
		return got.find(".figure").Map(func(_ int, f *goquery.Selection) string { return strings.TrimSpace(f.Text()) })
	}
	wantTexts(t, figures(b.get("/lab")), "GET /lab HTTP/1.1", "0 cookies, 0 bytes", "no lab cookie yet", "no lab cookie yet", "32 bytes", "this page came over http")
	b.get("/lab/session")
	s.clock.move(2*time.Minute + 30*time.Second)
	got := figures(b.get("/lab?password=abc"))
	wantTexts(t, got[:1], "GET /lab?password=••• HTTP/1.1")
	if !strings.HasPrefix(got[1], "1 cookie, 1") {
		t.Errorf("of the cookie it says %q", got[1])
	}
	wantTexts(t, got[2:3], "2 keys in it")
	if !strings.HasSuffix(got[3], "signed 2 minutes ago") || got[4] != "your cookie fits it" {
		t.Errorf("of the signature and the key it says %q", got[3:])
	}
	stranger := s.browser(t).get("/lab", "Cookie", "lab=x")
	wantTexts(t, figures(stranger)[4:5], "your cookie does not fit it")
}

func wantTexts(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A change of the server's keys ends the lab's cookies, and the visitor is
// told.
func TestLabKeyChanges(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	b.post("/lab/session", "do", "add", "key", "colour", "value", "green")
	if err := s.config.Lab.SetKeys(newKey, deviceKey); err != nil {
		t.Fatal(err)
	}
	got := b.get("/lab/session").want(http.StatusOK)
	got.says(".notice samp", "securecookie: the value is not valid").says(".entries b", "rolevisits")
	if b.get("/lab/cookie").find(".notice").Length() != 0 {
		t.Error("the new cookie is refused too")
	}
}

// Attack cookie/several: the lab's good cookie counts, wherever it stands.
func TestLabTakesTheGoodCookie(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	b.get("/lab/session").want(http.StatusOK)
	good := b.cookies()
	for _, sent := range []string{good, "lab=x; " + good, good + "; lab=x", "lab=; lab=y; " + good + "; lab=" + strings.Repeat("z", 100)} {
		if got := s.browser(t).get("/lab/session", "Cookie", sent).text(".entries"); !strings.Contains(got, "visits2") && !strings.Contains(strings.Join(strings.Fields(got), " "), "visits 2") {
			t.Errorf("%s: the session holds %q", sent[:20], got)
		}
	}
	if got := s.browser(t).get("/lab/session", "Cookie", strings.Repeat("lab=x; ", 8)+good).want(http.StatusOK).text(".entries"); strings.Contains(got, "visits2") {
		t.Error("the ninth cookie is looked at")
	}
}
