package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/utl/anatomy"
)

// button returns the fields that the button of the label sends.
func (a *answer) button(label string) (fields []string) {
	a.t.Helper()
	form := a.find("form").FilterFunction(func(_ int, form *goquery.Selection) bool { return form.Find("button").Text() == label })
	if form.Length() != 1 {
		a.t.Fatalf("%d buttons say %q", form.Length(), label)
	}
	form.Find("input").Each(func(_ int, field *goquery.Selection) {
		fields = append(fields, field.AttrOr("name", ""), field.AttrOr("value", ""))
	})
	return fields
}

// steps returns the checks of the verdict: + passed, - failed, . not made.
func (a *answer) steps() string {
	a.t.Helper()
	return strings.Join(a.find("#verdict li").Map(func(_ int, step *goquery.Selection) string {
		return map[string]string{"": "+", "no": "-", "skip-it": "."}[step.AttrOr("class", "")]
	}), "")
}

func TestLabCookieIsTakenApart(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	b.get("/lab/session")
	b.post("/lab/session", "do", "add", "key", "colour", "value", "green")
	c, err := anatomy.Parse("lab", b.held("lab"))
	if err != nil {
		t.Fatal(err)
	}
	s.clock.move(3*time.Minute + 30*time.Second)
	got := b.get("/lab/cookie").want(http.StatusOK)
	got.wantPage()
	got.says("#anatomy .raw", "lab="+c.Value).says("#anatomy .strip .t", c.Timestamp.Text).says("#anatomy .strip .p", c.Payload.Text)
	got.says("#anatomy .raw .p", c.Value[c.Payload.From:c.Payload.To])
	got.says(".part.p dt", "rolevisitscolour").says(".part.p dd", "reader1green")
	at, _ := c.Signed()
	got.says(".part.t dd", at.Format("2 Jan 2006")+at.Format("15:04:05 UTC")+"3 minutes")
	got.says(".title .tag", "HttpOnlySameSite=LaxPath=/")
	if got.cookie("lab") != nil || got.find("#verdict").Length() != 0 {
		t.Error("nothing was asked, yet there is a verdict or a new cookie")
	}
	newSite(t, secure, withLab).browser(t).get("/lab/cookie").says(".title .tag", "HttpOnlySecureSameSite=LaxPath=/")
}

func TestLabVerdicts(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	b.get("/lab/session")
	page := b.get("/lab/cookie")
	own := b.held("lab")
	c, err := anatomy.Parse("lab", own)
	if err != nil {
		t.Fatal(err)
	}
	d, lab, now := anatomy.Dictionary{}.Set("role", "reader").Visit(), s.config.Lab, time.Now()
	const invalid, cannot = "securecookie: the value is not valid", " Without the key you cannot make a new one."
	sent := func(value string) []string { return []string{"name", "lab", "value", value} }
	for _, tt := range []struct {
		row, steps string
		fields     []string
		why, err   string
	}{
		{"start over", "++++++", page.button("Start over"), "This is the value that the server signed. Change one letter and ask again.", ""},
		{"with no name", "++++++", []string{"value", " " + own + "\r\n"}, "This is the value that the server signed. Change one letter and ask again.", ""},
		{"admin", "++-...", page.button("Make me admin"), `The payload now says "role":"admin", but its signature was made for "role":"reader".` + cannot, invalid},
		{"a year old", "+++-..", page.button("Make it a year old"), "The key made its signature, but not in the last 30 days. A date ends even a true cookie, so that a stolen one does not open the door for ever.", "securecookie: expired timestamp"},
		{"another name", "++-...", page.button("Swap its name"), "Its name is now glassjar, but its signature was made for the name lab. A cookie cannot take another one's place.", invalid},
		{"a key more", "++-...", sent(c.With(d.Set("owner", "me"))), `The payload now says "owner":"me", but its signature was made without it.` + cannot, invalid},
		{"a key less", "++-...", sent(c.With(d.Pop("visits"))), `The payload no longer says "visits":1, but its signature was made for it.` + cannot, invalid},
		{"another date", "++-...", sent(reencode("1999999999|" + c.Payload.Text + "|" + c.Signature.Text)), "The timestamp now says 1999999999, but its signature was made for " + c.Timestamp.Text + "." + cannot, invalid},
		{"no signature", "++-...", sent(reencode(c.Timestamp.Text + "|" + c.Payload.Text + "|" + strings.Repeat("a", 32))), "The payload is as it was, but this is not the signature that the server made for it." + cannot, invalid},
		{"another's", "++-...", sent(lab.Sign("other", "{}", now)), "Its signature was not made with this server's key." + cannot, invalid},
		{"self-signed", "++++++", sent(lab.Sign("lab", `{"role":"admin"}`, now)), "This is not what your browser holds, but the key made its signature. The server believes every word of it.", ""},
		{"no JSON", "++++-.", sent(lab.Sign("lab", "admin", now)), "The key made its signature, but what it signs is no dictionary in JSON.", "securecookie: error - caused by: invalid character 'a' looking for beginning of value"},
		{"the future", "+++-..", sent(lab.Sign("lab", "{}", now.Add(time.Hour))), "", "securecookie: timestamp is too new"},
		{"no base64url", "+-....", sent("no cookie"), "These letters are not base64url, so there is nothing to take apart.", "securecookie: base64 decode failed - caused by: illegal base64 data at input byte 2"},
		{"nothing", "+-....", sent(""), "It decodes, but not into three parts with a bar between them.", invalid},
		{"too long", "-.....", sent(strings.Repeat("A", 4097)), "No browser keeps a cookie as long as this, so the server does not even decode it.", "securecookie: the value is too long: 4097"},
	} {
		t.Run(tt.row, func(t *testing.T) {
			got := b.post("/lab/cookie", tt.fields...).want(http.StatusOK)
			got.wantPage()
			title := "Refused"
			if tt.err == "" {
				title = "Accepted"
			}
			got.says("#verdict h3", title).says("#verdict code", tt.err)
			if got.steps() != tt.steps {
				t.Errorf("the checks are %s, want %s", got.steps(), tt.steps)
			}
			if tt.why != "" {
				got.says("#verdict h3 + p", tt.why)
			}
			if b.held("lab") != own {
				t.Error("the browser's cookie changed")
			}
		})
	}
}

// The last letter of most values has bits that spell nothing.
func TestLabVerdictOnAnotherSpelling(t *testing.T) {
	s := newSite(t, withLab)
	for _, pad := range []string{"", "aaa", "aaaaaa"} {
		value := s.config.Lab.Sign("lab", `{"pad":"`+pad+`"}`, time.Now())
		if !strings.HasSuffix(value, "=") {
			continue
		}
		last := strings.TrimRight(value, "=")
		got := s.browser(t).post("/lab/cookie", "value", last[:len(last)-1]+string(last[len(last)-1]+1)+value[len(last):])
		got.says("#verdict h3", "Refused")
		if got.steps() != "+++++-" || !strings.HasPrefix(got.text("#verdict code"), "illegal base64 data") {
			t.Errorf("the checks are %s, the error is %q", got.steps(), got.text("#verdict code"))
		}
		return
	}
	t.Fatal("no value has such bits")
}

// Without a cookie of the visitor's own there is nothing to compare with.
func TestLabVerdictWithoutACookie(t *testing.T) {
	s := newSite(t, withLab)
	value := s.config.Lab.Sign("lab", `{"role":"reader"}`, time.Now())
	c, err := anatomy.Parse("lab", value)
	if err != nil {
		t.Fatal(err)
	}
	got := s.browser(t).post("/lab/cookie", "name", "lab", "value", c.With(anatomy.Dictionary{}.Set("role", "admin")))
	got.says("#verdict h3 + p", "Its signature was not made with this server's key. Without the key you cannot make a new one.")
	if got.cookie("lab") == nil {
		t.Error("the visitor gets no cookie to work with")
	}
}
