package session

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// errCookie means that a cookie is not one that we signed, or not any more.
var errCookie = errors.New("not a cookie of ours")

// payload is what the session cookie, or a gate cookie, says. It is signed, not
// encrypted: its holder can read it.
type payload struct {
	Username string `json:"username"`
	SID      string `json:"sid"`
	Started  int64  `json:"started"`        // seconds since 1970
	Host     string `json:"host,omitempty"` // of a gate cookie: where it is good
	old      bool   // signed with an old key
}

type key int

// payloadKey is where a gorilla session of ours keeps its payload.
const payloadKey key = 0

// codec signs and verifies with one key.
type codec = *securecookie.SecureCookie

// serializer writes a payload as JSON and reads back only what it writes: a
// valid signature over anything else is refused.
type serializer struct{}

func (serializer) Serialize(src any) ([]byte, error) { return json.Marshal(src) }

// Deserialize cuts the JSON where Serialize joins it, and looks whether
// Serialize writes the same again: that is a fraction of what reading any JSON
// costs.
func (s serializer) Deserialize(src []byte, dst any) error {
	p, ok := dst.(*payload)
	if !ok {
		return errCookie
	}
	var rest, started string
	p.Username, rest, _ = strings.Cut(strings.TrimPrefix(string(src), `{"username":"`), `","sid":"`)
	p.SID, rest, _ = strings.Cut(strings.TrimSuffix(rest, "}"), `","started":`)
	started, rest, _ = strings.Cut(rest, `,"host":"`)
	p.Started, _ = strconv.ParseInt(started, 10, 64) // what is no number is not written again
	p.Host = strings.TrimSuffix(rest, `"`)
	again, err := s.Serialize(p)
	if err != nil || !bytes.Equal(again, src) {
		return errCookie
	}
	return nil
}

// SetKeys makes the first key sign and every key verify, from now on.
// Keys are 32 bytes each; others are refused.
func (s *Store) SetKeys(keys [][]byte) error {
	codecs, err := s.newCodecs(keys)
	if err == nil {
		s.codecs.Store(&codecs)
	}
	return err
}

func (s *Store) newCodecs(keys [][]byte) ([]codec, error) {
	codecs := make([]codec, 0, len(keys))
	for _, k := range keys {
		if len(k) != 32 {
			return nil, errors.New("a session key must be 32 bytes")
		}
		c := securecookie.New(k, nil).SetSerializer(serializer{})
		codecs = append(codecs, c.MaxAge(int(s.opt.Max/time.Second))) // gorilla's Options.MaxAge binds only the browser
	}
	if len(codecs) == 0 {
		return nil, errors.New("no session key")
	}
	return codecs, nil
}

// Get returns the request's session from gorilla's registry. It is part of
// gorilla's sessions.Store.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session that the request's cookie holds. A cookie that is
// not ours gives a new session and an error. It is part of gorilla's
// sessions.Store; whether the session is live is for Find to say.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	gs := sessions.NewSession(s, name)
	gs.Options = s.options()
	p, err := s.read(name, only(r.Header["Cookie"], name), *s.keys(name))
	if err != nil {
		gs.IsNew = true
		return gs, err
	}
	gs.Values[payloadKey] = p
	return gs, nil
}

// keys returns what signs and verifies cookies of the name.
func (s *Store) keys(name string) *[]codec {
	if name == s.name {
		return s.codecs.Load()
	}
	return s.gate.Load()
}

// Save sends the session's cookie, signed with the first key. A session
// without values, or with a negative MaxAge, clears the cookie: gorilla's own
// store would sign the live value once more. It is part of gorilla's
// sessions.Store.
func (s *Store) Save(_ *http.Request, w http.ResponseWriter, gs *sessions.Session) error {
	p, ok := gs.Values[payloadKey].(payload)
	if !ok || gs.Options.MaxAge < 0 {
		gs.Options.MaxAge = -1
		http.SetCookie(w, sessions.NewCookie(gs.Name(), "", gs.Options))
		return nil
	}
	keys := *s.keys(gs.Name())
	if len(keys) == 0 {
		return errors.New("no key for cookies of this name")
	}
	value, err := keys[0].Encode(gs.Name(), p)
	if err != nil {
		return fmt.Errorf("signing the cookie: %w", err)
	}
	http.SetCookie(w, sessions.NewCookie(gs.Name(), value, gs.Options))
	return nil
}

// Clear makes the browser forget the session cookie and the gate cookie of
// COOKIE_DOMAIN. When the request carried several of the name, those set for a
// part of the site are cleared too.
func (s *Store) Clear(w http.ResponseWriter, r *http.Request) error {
	paths := []string{"/"}
	if s.Several(r) {
		paths = covering(r.URL.EscapedPath())
	}
	for _, path := range paths {
		gs := sessions.NewSession(s, s.name)
		gs.Options = s.options()
		gs.Options.Path = path
		if err := gs.Save(r, w); err != nil {
			return err
		}
	}
	if s.opt.GateDomain == "" {
		return nil
	}
	gs := s.newGate(Place{Host: s.opt.GateDomain, Domain: true, Secure: true})
	return gs.Save(r, w)
}

// covering returns the Paths of the cookies that a browser sends to the path
// (RFC 6265, section 5.1.4), as far as a few headers can hold them.
func covering(path string) []string {
	path, _, _ = strings.Cut(path[:min(len(path), 256)], ";") // net/http logs a Path with one
	all := []string{"/"}
	for i := 1; i < len(path) && len(all) < 8; i++ {
		if path[i] == '/' {
			all = append(all, path[:i], path[:i+1])
		}
	}
	return slices.Compact(append(all, path))
}

// Renew sends the session's cookie again if an old key signed it.
func (s *Store) Renew(w http.ResponseWriter, r *http.Request, found Session) error {
	if !found.old {
		return nil
	}
	return s.send(w, r, found)
}

// send sends the cookie that names the session and, where there is one for all
// of COOKIE_DOMAIN, the gate cookie.
func (s *Store) send(w http.ResponseWriter, r *http.Request, started Session) error {
	gs, _ := s.Get(r, s.name) // one that is not ours gives a new session too
	gs.Options.MaxAge = s.maxAge(started)
	gs.Values[payloadKey] = payload{Username: started.Username, SID: started.SID, Started: started.Started.Unix()}
	err := gs.Save(r, w)
	if err == nil && s.opt.GateDomain != "" {
		err = s.SendGate(w, started, Place{Host: s.opt.GateDomain, Domain: true, Secure: true})
	}
	return err
}

// maxAge returns the Max-Age of the session's cookies in seconds; 0 means none:
// they go when the browser closes.
func (s *Store) maxAge(found Session) int {
	if !found.Remember {
		return 0
	}
	return int(found.Started.Add(s.opt.Max).Sub(s.opt.Now()) / time.Second)
}

// sent returns the sid that the request's cookie names, live or not, or "".
func (s *Store) sent(r *http.Request) string {
	gs, _ := s.Get(r, s.name)
	p, _ := gs.Values[payloadKey].(payload)
	return p.SID
}

// options returns the cookie's attributes. gorilla's own defaults are
// SameSite=None, 30 days and no HttpOnly.
func (s *Store) options() *sessions.Options {
	return &sessions.Options{Path: "/", HttpOnly: true, Secure: s.opt.Secure, SameSite: http.SameSiteLaxMode}
}

// read verifies the value of a cookie of the name and returns what it says.
func (s *Store) read(name, value string, codecs []codec) (payload, error) {
	if !s.canonical(value) {
		return payload{}, errCookie
	}
	for i, c := range codecs {
		var p payload
		if c.Decode(name, value, &p) != nil {
			continue
		}
		p.old = i > 0
		if !s.inTime(time.Unix(p.Started, 0), s.opt.Now(), s.opt.Max) {
			break
		}
		return p, nil
	}
	return payload{}, errCookie
}

// find returns the live session that the request's cookie of the name names,
// one for the host; the session cookie is for none.
func (s *Store) find(r *http.Request, name, host string) (Session, error) {
	value := only(r.Header["Cookie"], name)
	if value == "" {
		return Session{}, ErrNone
	}
	sent := cookie{name: name, value: value, host: host, keys: s.keys(name)}
	now := s.opt.Now()
	if e, old := s.cache.find(sent, now); e.live {
		found, err := s.within(e, now)
		found.old = old
		return found, err
	}
	p, err := s.read(name, sent.value, *sent.keys)
	if err != nil || p.Host != host {
		return Session{}, ErrNone
	}
	found, err := s.live(r.Context(), p.SID)
	if err != nil {
		return Session{SID: p.SID}, err
	}
	if !p.names(found) {
		return Session{}, ErrNone
	}
	s.cache.remember(sent, p.SID, p.old)
	found.old = p.old
	return found, nil
}

// names reports whether the session is the one that the payload was made for.
func (p payload) names(s Session) bool {
	return p.SID == s.SID && p.Username == s.Username && p.Started == s.Started.Unix()
}

// Several reports whether the request carries more than one session cookie.
func (s *Store) Several(r *http.Request) bool {
	_, n := named(r.Header["Cookie"], s.name)
	return n > 1
}

// only returns the value of the name in the Cookie headers if it comes once.
func only(headers []string, name string) string {
	value, n := named(headers, name)
	if n != 1 {
		return ""
	}
	return value
}

// named returns the last value of the name in the Cookie headers, as it stands
// there, and how often the name comes. It counts those too that net/http does
// not read, and takes no more cookies than it does.
func named(headers []string, name string) (value string, n int) {
	all := 0
	for _, line := range headers {
		for ; line != ""; all++ {
			var part string
			part, line, _ = strings.Cut(line, ";")
			before, after, _ := strings.Cut(strings.Trim(part, " \t"), "=")
			if strings.TrimRight(before, " \t") == name {
				value = after
				n++
			}
		}
	}
	if all > 3000 {
		return "", 0
	}
	return value, n
}

// canonical reports whether the value is spelled the one way that we spell it
// (base64 has others that decode to the same bytes: other last bits, line
// breaks) and is not dated in the future, which securecookie does not refuse.
func (s *Store) canonical(value string) bool {
	strict, raw := base64.URLEncoding.Strict(), [12]byte{}
	if len(value) < signature || strings.ContainsAny(value, "\r\n") {
		return false
	}
	if _, err := strict.Decode(raw[:], []byte(value[len(value)-4:])); err != nil {
		return false
	}
	if _, err := strict.Decode(raw[:], []byte(value[:16])); err != nil {
		return false
	}
	date, _, _ := bytes.Cut(raw[:], []byte("|")) // 10 digits, until the year 2286
	signed, err := strconv.ParseInt(string(date), 10, 64)
	return err == nil && date[0] >= '1' && signed <= s.opt.Now().Add(skew).Unix()
}
