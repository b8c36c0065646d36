package session_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
)

// payloadRows are payloads that no session cookie has. SID and STARTED stand for those
// of a live session, LATER for a second later.
var payloadRows = []struct{ name, payload string }{
	{"an unknown field", `{"username":"ada","sid":SID,"started":STARTED,"role":"owner"}`},
	{"a version", `{"v":2,"username":"ada","sid":SID,"started":STARTED}`},
	{"a host, as a gate cookie has it", `{"username":"ada","sid":SID,"started":STARTED,"host":"app.example.com"}`},
	{"an empty host", `{"username":"ada","sid":SID,"started":STARTED,"host":""}`},
	{"no username", `{"sid":SID,"started":STARTED}`},
	{"no sid", `{"username":"ada","started":STARTED}`},
	{"no started", `{"username":"ada","sid":SID}`},
	{"another order", `{"sid":SID,"username":"ada","started":STARTED}`},
	{"a space at the end", `{"username":"ada","sid":SID,"started":STARTED} `},
	{"a line at the end", `{"username":"ada","sid":SID,"started":STARTED}` + "\n"},
	{"a space inside", `{"username": "ada","sid":SID,"started":STARTED}`},
	{"a second value behind", `{"username":"ada","sid":SID,"started":STARTED}{}`},
	{"a field twice", `{"username":"bob","username":"ada","sid":SID,"started":STARTED}`},
	{"another case", `{"Username":"ada","sid":SID,"started":STARTED}`},
	{"an escaped letter", `{"username":"\u0061da","sid":SID,"started":STARTED}`},
	{"the private field", `{"username":"ada","sid":SID,"started":STARTED,"old":true}`},
	{"a fraction", `{"username":"ada","sid":SID,"started":STARTED.0}`},
	{"an exponent", `{"username":"ada","sid":SID,"started":STARTEDe0}`},
	{"a plus", `{"username":"ada","sid":SID,"started":+STARTED}`},
	{"a number as text", `{"username":"ada","sid":SID,"started":"STARTED"}`},
	{"a number too large", `{"username":"ada","sid":SID,"started":99999999999999999999}`},
	{"a number far too large", `{"username":"ada","sid":SID,"started":1e400}`},
	{"null for a number", `{"username":"ada","sid":SID,"started":null}`},
	{"null for a sid", `{"username":"ada","sid":null,"started":STARTED}`},
	{"a list for a sid", `{"username":"ada","sid":[SID],"started":STARTED}`},
	{"an object for a name", `{"username":{"a":1},"sid":SID,"started":STARTED}`},
	{"an empty sid", `{"username":"ada","sid":"","started":STARTED}`},
	{"an unknown sid", `{"username":"ada","sid":"AAAAAAAAAAAAAAAAAAAAAAAAAA","started":STARTED}`},
	{"a wildcard for a sid", `{"username":"ada","sid":"%","started":STARTED}`},
	{"SQL for a sid", `{"username":"ada","sid":"' OR 1=1 --","started":STARTED}`},
	{"another account's name", `{"username":"bob","sid":SID,"started":STARTED}`},
	{"no such account's name", `{"username":"eve","sid":SID,"started":STARTED}`},
	{"the name in capitals", `{"username":"ADA","sid":SID,"started":STARTED}`},
	{"another start", `{"username":"ada","sid":SID,"started":1` + strings.Repeat("0", 9) + `}`},
	{"a second later", `{"username":"ada","sid":SID,"started":LATER}`},
	{"a byte that is not text", `{"username":"ada` + "\xff" + `","sid":SID,"started":STARTED}`},
	{"a BOM", "\ufeff" + `{"username":"ada","sid":SID,"started":STARTED}`},
	{"a list", `["ada",SID,STARTED]`},
	{"null", `null`},
	{"true", `true`},
	{"a number", `1`},
	{"text", `"ada"`},
	{"empty", ``},
	{"an empty object", `{}`},
	{"a broken object", `{"username":`},
	{"depth", strings.Repeat("[", 1000)},
	{"gob", "\x0d\xff\x81\x04\x01\x02\xff\x82\x00\x01\x0c\x01\x0c\x00\x00"},
}

// Attack cookie/foreign-payload: payloads of another form or version with a valid signature.
func TestPayloadsOfAnotherShape(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	good := s.signIn(t, "ada", false)
	found := s.live(t, good)
	date, payload := taken(t, good.Value)
	sid, started := `"`+found.SID+`"`, fmt.Sprint(found.Started.Unix())
	of := func(format string) string {
		return strings.NewReplacer("SID", sid, "STARTED", started, "LATER", fmt.Sprint(found.Started.Unix()+1)).Replace(format)
	}
	if of(`{"username":"ada","sid":SID,"started":STARTED}`) != payload {
		t.Fatalf("got %s: the rows below start from another shape", payload)
	}
	for _, tt := range payloadRows {
		t.Run(tt.name, func(t *testing.T) {
			s.none(t, request(cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), date, of(tt.payload)))))
		})
	}
	s.live(t, good)
}

// Attack cookie/limits, cookie/foreign-payload: the date of the signature and other parts of
// the value around the payload, validly signed.
func TestDatesOfTheSignature(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	good := s.signIn(t, "ada", true)
	_, payload := taken(t, good.Value)
	now := s.clock.Now().Unix()
	for _, tt := range []struct {
		name string
		date int64
		live bool
	}{
		{"now", now, true},
		{"599 s in the future", now + 599, true},
		{"an hour in the future", now + 3600, false},
		{"the end of time", math.MaxInt64, false},
		{"negative", -1, false},
		{"zero", 0, false},
		{"within the absolute limit", now - int64(most/time.Second) + 60, true},
		{"over the absolute limit", now - int64(most/time.Second) - 60, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), tt.date, payload))
			if tt.live {
				s.live(t, c)
			} else {
				s.none(t, request(c))
			}
		})
	}
	s.none(t, request(cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), now+601, payload))))
}

// FuzzCookie: no cookie but a live one is accepted, and nothing panics.
// Attack cookie/cut
func FuzzCookie(f *testing.F) {
	s := newSite(f)
	good := s.signIn(f, "ada", true).Value
	for _, seed := range []string{"", good, good[:len(good)-1], good + "=", `"` + good + `"`, good + "; " + s.Name() + "=x", "|", "\n" + good, "A", "===="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := raw(s.Name() + "=" + value)
		_, err := s.Find(r)
		sent := r.CookiesNamed(s.Name())
		n := 0
		for _, c := range sent {
			if c.Value == good && !c.Quoted {
				n++
			}
		}
		if (n == 1) != (err == nil) {
			t.Errorf("got error %v for %v", err, sent)
		}
	})
}

// FuzzPayload: behind a valid signature, a payload is accepted only if it is
// what we would write, and nothing panics.
// Attack cookie/foreign-payload
func FuzzPayload(f *testing.F) {
	s := newSite(f)
	_, good := taken(f, s.signIn(f, "ada", true).Value)
	for _, seed := range []string{"", good, good + " ", "{}", "null", "[]", "1", strings.Replace(good, "ada", "\xff", 1), strings.ToUpper(good)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c := cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), s.clock.Now().Unix(), string(payload)))
		if _, err := s.Find(request(c)); (err == nil) != (string(payload) == good) {
			t.Errorf("Find: got error %v for %q", err, payload)
		}
		if _, err := s.New(request(c), s.Name()); err == nil && !ours(payload) {
			t.Errorf("the signature of %q was taken", payload)
		}
	})
}

// ours reports whether the store could have written the payload, byte for byte.
func ours(payload []byte) bool {
	var p struct {
		Username string `json:"username"`
		SID      string `json:"sid"`
		Started  int64  `json:"started"`
		Host     string `json:"host,omitempty"`
	}
	err := json.Unmarshal(payload, &p)
	again, _ := json.Marshal(p)
	return err == nil && string(again) == string(payload)
}
