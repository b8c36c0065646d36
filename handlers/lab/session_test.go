package lab_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/anatomy"
)

// remembers returns the session on the page, as key=value.
func remembers(a *webtest.Answer) string {
	a.T.Helper()
	var all []string
	a.Find(".entries li").Each(func(_ int, row *goquery.Selection) {
		all = append(all, row.Find("b").Text()+"="+row.Find("samp").Text())
	})
	return strings.Join(all, " ")
}

// labSession opens the page of the session, or sends its form.
func labSession(b *webtest.Browser, fields ...string) *webtest.Answer {
	b.T.Helper()
	if fields == nil {
		return b.Get("/lab/session")
	}
	return b.Post("/lab/session", fields...)
}

func TestLabSessionIsADictionary(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	for _, step := range []struct {
		name         string
		fields       []string // none: opens the page
		said, holds  string
		problem      string
		setsNoCookie bool
	}{
		{name: "the first visit", holds: "role=reader visits=1"},
		{name: "a visit counts", holds: "role=reader visits=2"},
		{name: "add", fields: []string{"do", "add", "key", "colour", "value", "green"}, said: "colour is now green.", holds: "colour=green role=reader visits=2"},
		{name: "change", fields: []string{"do", "add", "key", "colour", "value", "<b>"}, said: "colour is now <b>.", holds: "colour=<b> role=reader visits=2"},
		{name: "no value", fields: []string{"do", "add", "key", "colour"}, said: "colour is now .", holds: "colour= role=reader visits=2"},
		{name: "no text", fields: []string{"do", "add", "key", "a\x00\xff", "value", "\u202eb"}, said: `a\u0000� is now \u202eb.`, holds: `a\u0000�=\u202eb colour= role=reader visits=2`},
		{name: "its end", fields: []string{"do", "pop", "key", "a\x00\ufffd"}, said: `a\u0000� is gone. Its value was \u202eb.`, holds: "colour= role=reader visits=2"},
		{name: "pop", fields: []string{"do", "pop", "key", "role"}, said: "role is gone. Its value was reader.", holds: "colour= visits=2"},
		{name: "pop what is not there", fields: []string{"do", "pop", "key", "role"}, problem: "There is no such key, so nothing was taken out.", holds: "colour= visits=2", setsNoCookie: true},
		{name: "no key", fields: []string{"do", "add", "key", "", "value", "x"}, problem: "A key needs at least one character.", holds: "colour= visits=2", setsNoCookie: true},
		{name: "no act", fields: []string{"do", "steal"}, problem: "The lab can add, pop and clear, and nothing else.", holds: "colour= visits=2", setsNoCookie: true},
		{name: "clear", fields: []string{"do", "clear"}, said: "Everything is gone: the session is {} now."},
		{name: "a visit after that", holds: "visits=1"},
		{name: "a count of one's own", fields: []string{"do", "add", "key", "visits", "value", "41"}, said: "visits is now 41.", holds: "visits=41"},
		{name: "which is a text, and no count", said: "visits was the text 41, and a text is no number to count on from: so it is 1 now.", holds: "visits=1"},
		{name: "a visit counts again", holds: "visits=2"},
	} {
		t.Run(step.name, func(t *testing.T) {
			page := labSession(b, step.fields...)
			page.Want(http.StatusOK).WantPage()
			page.Says("#said", step.said).Says("#problem p", step.problem)
			if got := remembers(page); got != step.holds {
				t.Errorf("it remembers %q, want %q", got, step.holds)
			}
			if (page.Cookie("lab") == nil) != step.setsNoCookie {
				t.Errorf("it sets the cookie %v", page.Cookie("lab"))
			}
		})
	}
}

// The page shows the Go code that changed the session.
func TestLabSessionShowsItsGo(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	const get, save = `session, _ := store.Get(r, "lab") `, ` err := session.Save(r, w)`
	for _, step := range []struct {
		fields []string
		want   string
	}{
		{nil, get + `visits, _ := session.Values["visits"].(int) session.Values["visits"] = visits + 1` + save},
		{[]string{"do", "add", "key", "a\"b", "value", "<b>\u202e"}, get + `session.Values["a\"b"] = "<b>\u202e"` + save},
		{[]string{"do", "pop", "key", "a\"b"}, get + `delete(session.Values, "a\"b")` + save},
		{[]string{"do", "pop", "key", "none"}, ""},
		{[]string{"do", "clear"}, get + `clear(session.Values)` + save},
	} {
		if got := strings.Join(strings.Fields(labSession(b, step.fields...).Find("#go").Text()), " "); got != step.want {
			t.Errorf("%q: got %s, want %s", step.fields, got, step.want)
		}
	}
}

// A payload that somebody signed with the lab's key keeps its values that are not text.
func TestLabSessionKeepsOtherValues(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	signed := s.Settings.Lab.Sign("lab", `{"of":[null,{"a":1.50}],"visits":4294967296}`, time.Now())
	got := b.Get("/lab/session", "Cookie", "lab="+signed)
	if want := `of=[null,{"a":1.50}] visits=4294967297`; remembers(got) != want {
		t.Errorf("it remembers %s, want %s", remembers(got), want)
	}
	b.Post("/lab/session", "do", "pop", "key", "of").Says("#said", `of is gone. Its value was [null,{"a":1.50}].`)
}

// The number of visits is never negative, and where it begins anew the page says why.
func TestLabSessionCounts(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	const counts = `visits, _ := session.Values["visits"].(int) session.Values["visits"] = visits + 1`
	for _, tt := range []struct{ visits, now, was, code string }{
		{`9223372036854775806`, "9223372036854775807", "", counts},
		{`9223372036854775807`, "1", "9223372036854775807", `session.Values["visits"] = 1`},
		{`9223372036854775808`, "1", "9223372036854775808", counts},
		{`-1`, "1", "-1", `session.Values["visits"] = 1`},
		{`0`, "1", "", counts},
		{`1.5`, "1", "1.5", counts},
		{`null`, "1", "null", counts},
		{`"7"`, "1", "the text 7, and a text", counts},
	} {
		got := s.Browser(t).Get("/lab/session", "Cookie", "lab="+s.Settings.Lab.Sign("lab", `{"visits":`+tt.visits+`}`, time.Now()))
		if remembers(got) != "visits="+tt.now {
			t.Errorf("%s: it remembers %s", tt.visits, remembers(got))
		}
		if said := got.Text("#said"); !strings.HasPrefix(said, "visits was "+tt.was) && tt.was != "" || (said == "") != (tt.was == "") {
			t.Errorf("%s: it says %q", tt.visits, said)
		}
		if code := oneSpace(got.Text("#go")); !strings.Contains(code, `"lab") `+tt.code+` err :=`) {
			t.Errorf("%s: the code is %s", tt.visits, code)
		}
	}
}

func TestLabSessionShowsTheWire(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Header.Set("Cookie", "theme=dark; glassjar=s3cret; session_id=s3cret")
	got := b.Post("/lab/session", "do", "add", "key", "a", "value", "b")
	sent := got.Header.Get("Set-Cookie")
	got.Says("#set-cookie", "Set-Cookie: "+sent)
	value := got.Cookie("lab").Value
	expires := regexp.MustCompile(`; Expires=[^;]+ GMT`)
	if got, want := expires.ReplaceAllString(sent, ""), "lab="+value+"; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got.Says("#also code", "lab-visit").Says("#next-cookie", "Cookie: lab-visit=•••; theme=•••; glassjar=•••; session_id=•••; lab="+value)
	got.Says("label[for=size]", "79 of 4,096 bytes")
	if n := got.Find("meter").AttrOr("value", ""); n != "79" || len("lab"+value) != 79 {
		t.Errorf("the meter is at %s, the cookie has %d bytes", n, len("lab"+value))
	}
	again := b.Get("/lab/session", "Cookie", "lab="+value+"; theme=dark") // the cookie keeps its position
	again.Says("#also", "").Says("#next-cookie", "Cookie: theme=•••; glassjar=•••; session_id=•••; lab-visit=•••; lab="+again.Cookie("lab").Value)

	secured := webtest.New(t, webtest.Secure, webtest.WithLab).Browser(t).Get("/lab/session")
	if c := secured.Cookie("lab"); !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("over https: %v", c)
	}
}

func TestLabSessionHasAnEnd(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Get("/lab/session")
	before := labCookieOf(b, "lab")
	got := b.Post("/lab/session", "do", "add", "key", "much", "value", strings.Repeat("a", 3000)).Want(http.StatusOK)
	if !strings.HasPrefix(got.Text("#problem p"), "That would be a cookie of 5,467 bytes") || got.Cookie("lab") != nil {
		t.Errorf("it says %q and sends %v", got.Text("#problem p"), got.Cookie("lab"))
	}
	got.Says("#go", "").Says("#said", "").Says("section:has(#wire) .none", "no Set-Cookie: nothing changed")
	if remembers(got) != "role=reader visits=1" || labCookieOf(b, "lab") != before {
		t.Errorf("afterwards it remembers %q", remembers(got))
	}
	if kept := got.Find("#value").AttrOr("value", ""); len(kept) != 3000 {
		t.Errorf("%d letters of the value are kept", len(kept))
	}
	// The largest session that browsers accept is sent; one more visit may not fit.
	largest := 0
	for n := 2000; n < 3000; n++ {
		if anatomy.Size("lab", anatomy.Dictionary{}.Set("a", strings.Repeat("b", n))) <= anatomy.MaxSize {
			largest = n
		}
	}
	b.Post("/lab/session", "do", "clear")
	b.Post("/lab/session", "do", "add", "key", "a", "value", strings.Repeat("b", largest+1)).Says("#said", "")
	b.Post("/lab/session", "do", "add", "key", "a", "value", strings.Repeat("b", largest)).Says("#problem", "")
	full := labCookieOf(b, "lab")
	if got := b.Get("/lab/session").Want(http.StatusOK); got.Text("#problem p") == "" || got.Text("#go") != "" || labCookieOf(b, "lab") != full || got.Find(".entries li").Length() != 1 {
		t.Errorf("a visit that does not fit: %q", got.Text("#problem p"))
	}
	b.Get("/lab/cookie").Want(http.StatusOK).Says("#part-p + .kv dt", "a")
}

func TestLabSessionBeginsAnewWithAnUnknownCookie(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	for _, header := range []string{"lab=", "lab=x", `lab="x"`, "lab=x; lab=y"} {
		got := s.Browser(t).Get("/lab/session", "Cookie", header).Want(http.StatusOK)
		if remembers(got) != "role=reader visits=1" || got.Cookie("lab") == nil {
			t.Errorf("%s: it remembers %q", header, remembers(got))
		}
		if said := got.Text(".notice samp"); !strings.HasPrefix(said, "securecookie: ") || !strings.HasSuffix(got.Text(".notice"), ") and began a new session.") {
			t.Errorf("%s: of the cookie it says %q", header, said)
		}
		if unsent := s.Browser(t).Send("/lab/session", "do=pop&key=none", "Cookie", header).Text(".notice"); !strings.HasSuffix(unsent, ").") {
			t.Errorf("%s: where it sends no session it says %q", header, unsent)
		}
	}
}
