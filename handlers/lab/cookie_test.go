package lab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/anatomy"
)

// steps returns the checks of the verdict: + passed, - failed, . not made.
func steps(a *webtest.Answer) string {
	a.T.Helper()
	return strings.Join(a.Find("#verdict li").Map(func(_ int, step *goquery.Selection) string {
		return map[string]string{"": "+", "no": "-", "skip-it": "."}[step.AttrOr("class", "")]
	}), "")
}

func TestLabCookieIsTakenApart(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Get("/lab/session")
	b.Post("/lab/session", "do", "add", "key", "colour", "value", "green")
	c, err := anatomy.Parse("lab", labCookieOf(b, "lab"))
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Move(3*time.Minute + 30*time.Second)
	got := b.Get("/lab/cookie").Want(http.StatusOK)
	got.WantPage()
	got.Says("#anatomy .raw", "lab="+c.Value).Says("#anatomy .strip .t", c.Timestamp.Text).Says("#anatomy .strip .p", c.Payload.Text)
	got.Says("#anatomy .raw .p", c.Value[c.Payload.From:c.Payload.To])
	got.Says(".part.p dt", "colourrolevisits").Says(".part.p dd", "greenreader1")
	at, _ := c.Signed()
	got.Says(".part.t dd", at.Format("2 Jan 2006")+at.Format("15:04:05 UTC")+"3 minutes")
	got.Says(".title .tag", "HttpOnlySameSite=LaxPath=/")
	if got.Cookie("lab") != nil || got.Find("#verdict").Length() != 0 {
		t.Error("nothing was asked, yet there is a verdict or a new cookie")
	}
	webtest.New(t, webtest.Secure, webtest.WithLab).Browser(t).Get("/lab/cookie").Says(".title .tag", "HttpOnlySecureSameSite=LaxPath=/")
}

// verdict is what the lab says about a cookie: the checks as in steps, why, where that
// matters, and securecookie's error, none if the cookie is accepted.
type verdict struct {
	row, steps string
	fields     []string
	why, err   string
}

const (
	invalid = "securecookie: the value is not valid"
	cannot  = " Without the key you cannot make a new one."
	isOwn   = "This is the value that the server signed. Change one letter and ask again."
)

// asker is a visitor who has a cookie of the lab.
type asker struct {
	b    *webtest.Browser
	page *webtest.Answer
	lab  *anatomy.Lab
	own  string // value of the cookie
	c    anatomy.Cookie
}

func newAsker(t *testing.T) *asker {
	t.Helper()
	s := webtest.New(t, webtest.WithLab)
	a := &asker{b: s.Browser(t), lab: s.Settings.Lab}
	a.b.Get("/lab/session")
	a.page, a.own = a.b.Get("/lab/cookie"), labCookieOf(a.b, "lab")
	c, err := anatomy.Parse("lab", a.own)
	if err != nil {
		t.Fatal(err)
	}
	a.c = c
	return a
}

func sent(value string) []string { return []string{"name", "lab", "value", value} }

// asks asks about each cookie; the asker's own cookie stays unchanged.
func (a *asker) asks(t *testing.T, verdicts []verdict) {
	t.Helper()
	for _, tt := range verdicts {
		t.Run(tt.row, func(t *testing.T) {
			got := a.b.Post("/lab/cookie", tt.fields...).Want(http.StatusOK)
			got.WantPage()
			title := "Refused"
			if tt.err == "" {
				title = "Accepted"
			}
			got.Says("#verdict h3", title).Says("#verdict code", tt.err)
			if steps(got) != tt.steps {
				t.Errorf("the checks are %s, want %s", steps(got), tt.steps)
			}
			if tt.why != "" {
				got.Says("#verdict h3 + p", tt.why)
			}
			if labCookieOf(a.b, "lab") != a.own {
				t.Error("the browser's cookie changed")
			}
		})
	}
}

// A cookie that is changed without the key has a signature of something else.
func TestLabVerdictsOnAChangedCookie(t *testing.T) {
	a := newAsker(t)
	d := anatomy.Dictionary{{Key: "role", JSON: `"reader"`}, {Key: "visits", JSON: "1"}}
	at, payload := a.c.Timestamp.Text, a.c.Payload.Text
	a.asks(t, []verdict{
		{"start over", "++++++", a.page.Button("Start over"), isOwn, ""},
		{"with no name", "++++++", []string{"value", " " + a.own + "\r\n"}, isOwn, ""},
		{"admin", "++-...", a.page.Button("Make me admin"), `The payload now says "role":"admin", but its signature was made for "role":"reader".` + cannot, invalid},
		{"another name", "++-...", a.page.Button("Swap its name"), "Its name is now glassjar, but its signature was made for the name lab. A cookie cannot take another one's place.", invalid},
		{"a key more", "++-...", sent(a.c.ReplacePayload(d.Set("owner", "me"))), `The payload now says "owner":"me", but its signature was made without it.` + cannot, invalid},
		{"a key less", "++-...", sent(a.c.ReplacePayload(d[:1])), `The payload no longer says "visits":1, but its signature was made for it.` + cannot, invalid},
		{"another date", "++-...", sent(reencode("1999999999|" + payload + "|" + a.c.Signature.Text)), "The timestamp now says 1999999999, but its signature was made for " + at + "." + cannot, invalid},
		{"no signature", "++-...", sent(reencode(at + "|" + payload + "|" + strings.Repeat("a", 32))), "The payload is as it was, but this is not the signature that the server made for it." + cannot, invalid},
	})
}

// A cookie signed with the key is refused only for its date or its payload.
func TestLabVerdictsOnWhatTheKeySigned(t *testing.T) {
	a, now := newAsker(t), time.Now()
	a.asks(t, []verdict{
		{"a year old", "+++-..", a.page.Button("Make it a year old"), "The key made its signature, but not in the last 30 days. A date ends even a true cookie, so that a stolen one does not open the door for ever.", "securecookie: expired timestamp"},
		{"another's", "++-...", sent(a.lab.Sign("other", "{}", now)), "The lab's key did not make this signature for this name, date and payload." + cannot, invalid},
		{"self-signed", "++++++", sent(a.lab.Sign("lab", `{"role":"admin"}`, now)), "This is not what your browser holds, but the key made its signature. The server believes every word of it.", ""},
		{"no JSON", "++++-.", sent(a.lab.Sign("lab", "admin", now)), "The key made its signature, but what it signs is no dictionary in JSON.", "securecookie: error - caused by: invalid character 'a' looking for beginning of value"},
	})
}

// dated returns a cookie of the lab with this text as its date.
func dated(date string) string {
	text := date + "|" + base64.URLEncoding.EncodeToString([]byte("{}"))
	mac := hmac.New(sha256.New, webtest.LabKey[:])
	mac.Write([]byte("lab|" + text))
	return reencode(text + "|" + string(mac.Sum(nil)))
}

// Of a cookie that the key signed with a wrong date, the lab says what is wrong with it.
func TestLabVerdictsOnADate(t *testing.T) {
	a := newAsker(t)
	const (
		future  = "The key made its signature, but it is dated in the future. More than a minute ahead is more than clocks differ."
		number  = "The key made its signature, but its date is no number of seconds."
		old     = "The key made its signature, but not in the last 30 days. A date ends even a true cookie, so that a stolen one does not open the door for ever."
		tooNew  = "securecookie: timestamp is too new"
		expired = "securecookie: expired timestamp"
		no      = "securecookie: invalid timestamp"
		limits  = ". At most 30 days, and not from the future"
	)
	after := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	for _, tt := range []struct{ date, why, err, step string }{
		{after(62 * time.Minute), future, tooNew, "Age: dated 1 hour ahead" + limits},
		{"9223372036854775807", future, tooNew, "Age: dated over 100 years ahead" + limits},
		{"0", old, expired, "Age: [0-9]{5} days" + limits},
		{"-9223372036854775808", old, expired, "Age: over 100 years" + limits},
		{"9223372036854775808", number, no, "Age: no number of seconds" + limits},
		{"today", number, no, "Age: no number of seconds" + limits},
		{"", number, no, "Age: no number of seconds" + limits},
		{after(-90 * time.Minute), "This is not what", "", "Age: 1 hour, at most 30 days"},
		{after(40 * time.Second), "This is not what", "", "Age: dated [0-9]+ seconds ahead, at most 30 days"},
	} {
		t.Run(tt.date, func(t *testing.T) {
			got := a.b.Post("/lab/cookie", sent(dated(tt.date))...).Want(http.StatusOK)
			got.Says("#verdict code", tt.err)
			if why := got.Text("#verdict h3 + p"); !strings.HasPrefix(why, tt.why) {
				t.Errorf("it says %q, want %q", why, tt.why)
			}
			if step := got.Find("#verdict li").Eq(3).Text(); !regexp.MustCompile("^" + tt.step + "$").MatchString(strings.TrimSpace(step)) {
				t.Errorf("the check says %q, want %q", step, tt.step)
			}
		})
	}
}

func TestLabVerdictsOnWhatIsNoCookie(t *testing.T) {
	newAsker(t).asks(t, []verdict{
		{"no base64url", "+-....", sent("no cookie"), "These letters are not base64url, so there is nothing to take apart.", "securecookie: base64 decode failed - caused by: illegal base64 data at input byte 2"},
		{"nothing", "+-....", sent(""), "It decodes, but not into three parts with a bar between them.", invalid},
		{"too long", "-.....", sent(strings.Repeat("A", 4097)), "No browser keeps a cookie as long as this, so the server does not even decode it.", "securecookie: the value is too long: 4097"},
	})
}

// The last character of most values has unused bits.
func TestLabVerdictOnAnotherSpelling(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	for _, pad := range []string{"", "aaa", "aaaaaa"} {
		value := s.Settings.Lab.Sign("lab", `{"pad":"`+pad+`"}`, time.Now())
		if !strings.HasSuffix(value, "=") {
			continue
		}
		last := strings.TrimRight(value, "=")
		got := s.Browser(t).Post("/lab/cookie", "value", last[:len(last)-1]+string(last[len(last)-1]+1)+value[len(last):])
		got.Says("#verdict h3", "Refused")
		if steps(got) != "+++++-" || !strings.HasPrefix(got.Text("#verdict code"), "illegal base64 data") {
			t.Errorf("the checks are %s, the error is %q", steps(got), got.Text("#verdict code"))
		}
		return
	}
	t.Fatal("no value has such bits")
}

// Without a cookie of their own, the visitor gets no comparison.
func TestLabVerdictWithoutACookie(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	value := s.Settings.Lab.Sign("lab", `{"role":"reader"}`, time.Now())
	c, err := anatomy.Parse("lab", value)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Browser(t).Post("/lab/cookie", "name", "lab", "value", c.ReplacePayload(anatomy.Dictionary{}.Set("role", "admin")))
	got.Says("#verdict h3 + p", "The lab's key did not make this signature for this name, date and payload. Without the key you cannot make a new one.")
	if got.Cookie("lab") == nil {
		t.Error("the visitor gets no cookie to work with")
	}
}
