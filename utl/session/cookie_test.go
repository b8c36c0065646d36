package session_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gorilla/securecookie"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
	"glassjar/utl/session"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// sign makes a signed cookie value without securecookie, in its format:
// base64(date|base64(payload)|mac), where mac is over name|date|base64(payload).
func sign(key [32]byte, name string, date int64, payload string) string {
	text := fmt.Sprintf("%s|%d|%s", name, date, base64.URLEncoding.EncodeToString([]byte(payload)))
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(text))
	return base64.URLEncoding.EncodeToString(append([]byte(text[len(name)+1:]+"|"), mac.Sum(nil)...))
}

// taken returns the date and the payload in a cookie value.
func taken(tb testing.TB, value string) (date int64, payload string) {
	tb.Helper()
	raw, err := base64.URLEncoding.DecodeString(value)
	if err != nil {
		tb.Fatal(err)
	}
	parts := strings.SplitN(string(raw), "|", 3)
	inner, err := base64.URLEncoding.DecodeString(parts[1])
	if err != nil {
		tb.Fatal(err)
	}
	if date, err = strconv.ParseInt(parts[0], 10, 64); err != nil {
		tb.Fatal(err)
	}
	return date, string(inner)
}

func cookiesNamed(name, value string) *http.Cookie { return &http.Cookie{Name: name, Value: value} }

// raw returns a request with these Cookie headers.
func raw(header ...string) *http.Request {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Header: http.Header{}}
	r.Header["Cookie"] = header
	return r
}

// Attack cookie/tossed: a cookie of another Path or of a sub-domain cannot have a
// __Host- name.
func TestCookieAttributes(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	attributes := http.Cookie{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	plain, secure, plainKept, secureKept := attributes, attributes, attributes, attributes
	plain.Name, plainKept.Name = "glassjar", "glassjar"
	secure.Name, secureKept.Name = "__Host-glassjar", "__Host-glassjar"
	secure.Secure, secureKept.Secure = true, true
	plainKept.MaxAge, secureKept.MaxAge = int(most/time.Second), int(most/time.Second)
	for _, tt := range []struct {
		name             string
		secure, remember bool
		want             http.Cookie
	}{
		{"over http", false, false, plain},
		{"over https", true, false, secure},
		{"over http, kept signed in", false, true, plainKept},
		{"over https, kept signed in", true, true, secureKept},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, func(o *session.Options) { o.Secure = tt.secure })
			got := s.signIn(t, "ada", tt.remember)
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(http.Cookie{}, "Value", "Expires", "RawExpires", "Raw")); diff != "" {
				t.Errorf("the cookie (-want +got):\n%s", diff)
			}
			if got.Name != s.Name() || strings.Contains(got.Raw, "Domain") || got.Expires.IsZero() == tt.remember {
				t.Errorf("got %q; want the name %q, no Domain, Expires only with Max-Age", got.Raw, s.Name())
			}
			s.live(t, got)
		})
	}
}

func TestCookieIsReadableAndHoldsNoMore(t *testing.T) {
	s := newSite(t, func(o *session.Options) { o.Keys = [][32]byte{newKey(), newKey()} }) // gorilla would take a second key for an encryption key
	cookie := s.signIn(t, "ada", false)
	found := s.live(t, cookie)
	date, got := taken(t, cookie.Value)
	want := fmt.Sprintf(`{"username":"ada","sid":"%s","started":%d}`, found.SID, found.Started.Unix())
	if got != want || sign(s.opt.Keys[0], s.Name(), date, want) != cookie.Value {
		t.Errorf("got %s, want %s, signed with the first key", got, want)
	}
}

// Attack cookie/changed: each character is replaced by each of the 64 of base64; every
// change is refused. Usernames of three lengths give the three ways in which base64 ends,
// in which the last bits may be unused.
func TestNoCharacterCanBeChanged(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	tries, malleable := 0, 0
	for _, name := range []string{"c", "cc", "ccc"} {
		s.account(t, name)
		good := s.signIn(t, name, false)
		s.live(t, good)
		bare := securecookie.New(s.opt.Keys[0][:], nil).SetSerializer(securecookie.JSONEncoder{})
		for i := range good.Value {
			for _, c := range alphabet {
				value := good.Value[:i] + string(c) + good.Value[i+1:]
				if value == good.Value {
					continue
				}
				tries++
				s.none(t, request(cookiesNamed(good.Name, value)))
				if bare.Decode(good.Name, value, &map[string]any{}) == nil {
					malleable++
				}
			}
		}
	}
	t.Logf("%d changed cookies, of which securecookie alone takes %d: 0 accepted", tries, malleable)
	if malleable == 0 {
		t.Error("no changed cookie needs the canonical check: this test shows nothing of it")
	}
}

// Attack cookie/cut
func TestNoOtherSpelling(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	good := s.signIn(t, "ada", false).Value
	name := s.Name() + "="
	for i := range good {
		s.none(t, raw(name+good[:i]))
		s.none(t, raw(name+good[i+1:]))
		if i > 0 { // at both ends HTTP allows them
			s.none(t, raw(name+good[:i]+"\r"+good[i:]))
			s.none(t, raw(name+good[:i]+"\n"+good[i:]))
			s.none(t, raw(name+good[:i]+"\r\n"+good[i:]))
		}
	}
	header := map[string]string{
		"one = more": good + "=", "two = more": good + "==", "one A more": good + "A", "four A more": good + "AAAA",
		"quoted": `"` + good + `"`, "half quoted": `"` + good, "twice": good + good, "twice, with a comma": good + "," + good,
		"no padding": strings.TrimRight(good, "=") + "A", "empty": "", "quotes alone": `""`, "a bar": "|", "bars": base64.URLEncoding.EncodeToString([]byte("||")),
		"of the standard alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+", "percent-encoded": "%41" + good[1:],
		"random": newValue(180), "4,096 bytes": newValue(3072), "4,097 bytes": newValue(3072) + "A", "16,384 bytes": newValue(12288), "not ASCII": "é" + good,
	}
	for what, value := range header {
		t.Run(what, func(t *testing.T) { s.none(t, raw(name+value)) })
	}
	s.live(t, cookiesNamed(s.Name(), good))
}

// newValue returns n random bytes in characters that a cookie may contain.
func newValue(n int) string {
	return base64.URLEncoding.EncodeToString(securecookie.GenerateRandomKey(n))
}

// Attack cookie/cut, cookie/several: a cookie with a valid signature is refused if it is too
// long, or one of too many.
func TestLongAndManyCookies(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	good := s.signIn(t, "ada", false)
	long := sign(s.opt.Keys[0], s.Name(), s.clock.Now().Unix(), fmt.Sprintf(`{"username":"%s","sid":"x","started":%d}`, strings.Repeat("a", 2300), s.clock.Now().Unix()))
	if len(long) < 4097 {
		t.Fatalf("got %d bytes, want over 4,096", len(long))
	}
	s.none(t, request(cookiesNamed(s.Name(), long)))
	junk := strings.Repeat("a=b; ", 100)
	if _, err := s.Find(raw(junk + good.Name + "=" + good.Value)); err != nil {
		t.Errorf("among 100 others: got error %v, want the session", err)
	}
	s.none(t, raw(strings.Repeat("a=b; ", 3000)+good.Name+"="+good.Value))
	s.none(t, raw(strings.Repeat(good.Name+"="+good.Value+"; ", 3001)))
}

// Attack cookie/foreign-key
func TestNoOtherKeyOrName(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	ring, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	bare, err := base64.StdEncoding.DecodeString(ring.Text())
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(o *session.Options) { o.Keys = ring.Derive("session") })
	good := s.signIn(t, "ada", false)
	now := s.clock.Now().Unix()
	_, payload := taken(t, good.Value)
	if s.live(t, cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), now, payload))); t.Failed() {
		return // sign makes valid cookies, so each row below is invalid for one reason only
	}
	for _, tt := range []struct{ name, value string }{
		{"another key", sign(newKey(), s.Name(), now, payload)},
		{"no key, which HMAC takes for one of zeros", sign([32]byte{}, s.Name(), now, payload)},
		{"the ring's key itself", sign([32]byte(bare), s.Name(), now, payload)},
		{"the lab's key", sign(ring.Derive("lab")[0], s.Name(), now, payload)},
		{"the known devices' key", sign(ring.Derive("device")[0], s.Name(), now, payload)},
		{"another cookie's name", sign(s.opt.Keys[0], "lab", now, payload)},
		{"the https cookie's name", sign(s.opt.Keys[0], "__Host-glassjar", now, payload)},
		{"the beginning of a name", sign(s.opt.Keys[0], s.Name()[:4], now, payload)},
		{"another's payload", sign(newKey(), s.Name(), now, strings.Replace(payload, "ada", "bob", 1))},
	} {
		t.Run(tt.name, func(t *testing.T) { s.none(t, request(cookiesNamed(s.Name(), tt.value))) })
	}
	s.none(t, request(cookiesNamed("__Host-glassjar", good.Value)))
	s.none(t, request())
}

// Attack cookie/several: of several cookies, the only one that verifies counts. If more than
// one verifies, none counts.
func TestSeveralCookiesOfTheName(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	good, other := s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	want := s.live(t, good).SID
	date, payload := taken(t, good.Value)
	forged := cookiesNamed(s.Name(), sign(newKey(), s.Name(), date, payload))
	a, junk := good.Name+"="+good.Value, good.Name+"=tossed"
	few := slices.Repeat([]*http.Cookie{forged}, 15)
	for _, r := range []*http.Request{
		request(good, forged), request(forged, good), request(cookiesNamed(s.Name(), ""), good), request(append(few, good)...), request(append([]*http.Cookie{good}, few...)...),
		raw(a, junk), raw(junk, a), raw(a + "; x=y; " + junk), raw(a + "; " + s.Name() + `="` + good.Value + `"`), raw(strings.Repeat(junk+"; ", 200) + a),
		raw(a + "; " + s.Name() + `=a\b`), raw(s.Name() + `=a"b; ` + a), raw(a, s.Name()+"=ä"), // net/http does not read these
	} {
		for range 2 { // the second time the cookie is in memory
			if found, err := s.Find(r); err != nil || found.SID != want || !s.HasDuplicateCookie(r) {
				t.Errorf("%.80q: got %s, error %v; want ada's session", r.Header["Cookie"], found.Username, err)
			}
		}
	}
	for _, r := range []*http.Request{
		request(good, other), request(other, good), request(good, good), request(forged, good, other), request(forged, forged),
		request(append(few, forged, good)...), raw(strings.Repeat("a=b; ", 3000) + a),
	} {
		s.none(t, r)
	}
	if s.HasDuplicateCookie(request(good)) {
		t.Error("one cookie is several")
	}
	s.live(t, good)
}

// BenchmarkFindAmongForged measures a request with 250 forged cookies of the name before
// the valid one: it is refused without verifying more than 16 of them.
func BenchmarkFindAmongForged(b *testing.B) {
	s := newSite(b)
	good := s.signIn(b, "ada", false)
	date, payload := taken(b, good.Value)
	forged := cookiesNamed(s.Name(), sign(newKey(), s.Name(), date, payload))
	r := request(append(slices.Repeat([]*http.Cookie{forged}, 250), good)...)
	for b.Loop() {
		s.none(b, r)
	}
}
