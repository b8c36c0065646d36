package lab_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// labCookieOf returns the value of the browser's cookie with the name, or "".
func labCookieOf(b *webtest.Browser, name string) string {
	b.T.Helper()
	for _, c := range b.Jar.Cookies(webtest.Parse(b.T, b.Base+"/lab")) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func TestLabOffIsNowhere(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { c.Lab = nil })
	s.Add(t, "ada", account.Owner)
	signedIn, signedOut := s.SignedIn(t, "ada"), s.Browser(t)
	for _, path := range webtest.LabPaths {
		signedIn.Get(path).Want(http.StatusNotFound)
		signedOut.Post(path).Want(http.StatusNotFound)
	}
	for _, path := range []string{"/", "/auth", "/account", "/logout", "/nowhere"} {
		for _, b := range []*webtest.Browser{signedIn, signedOut} {
			if got := b.Get(path); got.Find("[href*='/lab'], [action*='/lab']").Length() > 0 {
				t.Errorf("%s links to the lab", path)
			}
		}
	}
}

func TestLabOnIsLinked(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Owner)
	for _, b := range []*webtest.Browser{s.SignedIn(t, "ada"), s.Browser(t)} {
		if got := b.Get("/"); got.Find("a[href='/lab']").Length() == 0 {
			t.Errorf("nothing at / leads to the lab")
		}
		b.Get("/lab").Says("nav[aria-label=Main] [aria-current]", "Lab")
		b.Get("/lab/key").Says(".steps [aria-current]", "Key")
	}
}

func TestLabHasFiguresOfThisVisitor(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	figures := func(got *webtest.Answer) []string {
		return got.Find(".figure").Map(func(_ int, f *goquery.Selection) string { return strings.TrimSpace(f.Text()) })
	}
	wantTexts(t, figures(b.Get("/lab")), "GET /lab HTTP/1.1", "0 cookies, 0 bytes", "no lab cookie yet", "no lab cookie yet", "32 bytes", "this page came over http", "nothing hashed yet", "no secret yet", "no passkey of the lab yet")
	b.Get("/lab/session")
	s.Clock.Move(2*time.Minute + 30*time.Second)
	got := figures(b.Get("/lab?password=abc"))
	wantTexts(t, got[:1], "GET /lab?password=••• HTTP/1.1")
	if !strings.HasPrefix(got[1], "1 cookie, 1") {
		t.Errorf("of the cookie it says %q", got[1])
	}
	wantTexts(t, got[2:3], "2 keys in it")
	if !strings.HasSuffix(got[3], "signed 2 minutes ago") || got[4] != "your cookie fits it" {
		t.Errorf("of the signature and the key it says %q", got[3:])
	}
	b.Post("/lab/password", "password", "x")
	digits := b.Get("/lab/code").Text("#digits")
	b.Post("/lab/passkey", "do", "soft")
	if got := figures(b.Get("/lab")); !strings.HasSuffix(got[6], " a guess") || got[7] != digits || got[8] != "the lab has one of yours" {
		t.Errorf("of the password, the code and the passkey it says %q", got[6:])
	}
	stranger := s.Browser(t).Get("/lab", "Cookie", "lab=x")
	wantTexts(t, figures(stranger)[4:5], "your cookie does not fit it")
}

func wantTexts(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A step is done once its form or its cookie was sent; opening the page is not enough. The
// state is deleted when the browser closes.
func TestLabShowsWhatIsDone(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	done := func() string {
		return strings.Join(b.Get("/lab").Find(".way .done a").Map(func(_ int, a *goquery.Selection) string { return a.AttrOr("href", "") }), " ")
	}
	for _, path := range webtest.LabPaths {
		b.Get(path).Want(http.StatusOK)
	}
	if got := done(); got != "" {
		t.Errorf("after a look at each page these are done: %s", got)
	}
	b.Get("/lab/request")
	want := "/lab/request#cookies"
	if got := done(); got != want {
		t.Errorf("with a cookie these are done: %s", got)
	}
	b.Get("/lab/request?username=ada")
	for _, path := range webtest.LabPaths {
		if !slices.Contains(webtest.LabReads, path) && path != "/lab/request" {
			b.Post(path, "do", "x", "password", "x").Want(http.StatusOK)
		}
	}
	steps := b.Get("/lab").Find(".way > li")
	if n := steps.Not(".done").Length(); n > 0 || steps.Find(".tag").Length() != steps.Length() {
		t.Errorf("%d of %d steps are not done", n, steps.Length())
	}
	if kept := labCookieOf(b, "lab-visit"); len(kept) > 1000 {
		t.Errorf("the visit's cookie has %d bytes", len(kept))
	}
}

// The worksheet has questions about each step, numbered consecutively, with folded answers.
func TestLabSheet(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	got := b.Get("/lab/sheet").Want(http.StatusOK)
	got.WantPage()
	var parts []string
	n := 1
	got.Find("section").Each(func(_ int, part *goquery.Selection) {
		path := part.Find("h2 a").AttrOr("href", "")
		b.Get(path).Want(http.StatusOK)
		if start := part.Find("ol").AttrOr("start", ""); start != strconv.Itoa(n) {
			t.Errorf("%s begins with question %s, want %d", path, start, n)
		}
		n += part.Find("li").Length()
		parts = append(parts, path)
	})
	ways := b.Get("/lab").Find(".way a").Map(func(_ int, a *goquery.Selection) string { return a.AttrOr("href", "") })
	if !slices.Equal(parts, ways) {
		t.Errorf("the worksheet asks about %q, the way goes through %q", parts, ways)
	}
	if got.Find("li > p").Length() != n-1 || got.Find("li details:not([open]) p").Length() != n-1 {
		t.Errorf("of %d questions some have no text or no folded answer", n-1)
	}
}

// After a change of the server's keys, the lab's cookies are refused, and the visitor is
// told.
func TestLabKeyChanges(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Post("/lab/session", "do", "add", "key", "colour", "value", "green")
	s.Settings.Lab.SetKeys(webtest.NewKey, webtest.DeviceKey)
	got := b.Get("/lab/session").Want(http.StatusOK)
	got.Says(".notice samp", "securecookie: the value is not valid").Says(".entries b", "rolevisits")
	if b.Get("/lab/cookie").Find(".notice").Length() != 0 {
		t.Error("the new cookie is refused too")
	}
}

// Attack cookie/several: the lab's valid cookie counts, in any position.
func TestLabTakesTheGoodCookie(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Get("/lab/session").Want(http.StatusOK)
	good := b.Cookies()
	for _, sent := range []string{good, "lab=x; " + good, good + "; lab=x", "lab=; lab=y; " + good + "; lab=" + strings.Repeat("z", 100)} {
		if got := s.Browser(t).Get("/lab/session", "Cookie", sent).Text(".entries"); !strings.Contains(got, "visits2") && !strings.Contains(strings.Join(strings.Fields(got), " "), "visits 2") {
			t.Errorf("%s: the session holds %q", sent[:20], got)
		}
	}
	if got := s.Browser(t).Get("/lab/session", "Cookie", strings.Repeat("lab=x; ", 8)+good).Want(http.StatusOK).Text(".entries"); strings.Contains(got, "visits2") {
		t.Error("the ninth cookie is looked at")
	}
}

// The lists of the lab's pages are complete, so that no test misses one.
func TestLabPathsAreAll(t *testing.T) {
	var gets, posts []string
	for _, pattern := range handlers.Routes(webtest.New(t, webtest.WithLab).Settings) {
		if path, ok := strings.CutPrefix(pattern, "GET /lab"); ok {
			gets = append(gets, "/lab"+path)
		} else if path, ok := strings.CutPrefix(pattern, "POST /lab"); ok {
			posts = append(posts, "/lab"+path)
		}
	}
	reads := slices.DeleteFunc(slices.Clone(gets), func(path string) bool { return slices.Contains(posts, path) })
	if all := slices.Sorted(slices.Values(webtest.LabPaths)); !slices.Equal(gets, all) {
		t.Errorf("the lab has the pages %q, the tests know %q", gets, all)
	}
	if known := slices.Sorted(slices.Values(webtest.LabReads)); !slices.Equal(reads, known) {
		t.Errorf("the pages without a form are %q, the tests know %q", reads, known)
	}
}
