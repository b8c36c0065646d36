package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	SID      string `json:"sid"`            // of a session cookie: the token's text
	Started  int64  `json:"started"`        // seconds since 1970
	Host     string `json:"host,omitempty"` // of a gate cookie: where it is good
	old      bool   // signed with an old key
}

// token is what a session cookie names: the row's sid and, after a proof, its
// turn. A cookie of before the proof is good no more; gate cookies, which name the
// sid alone, go on.
type token struct{ sid, turn string }

func (t token) String() string {
	if t.turn == "" {
		return t.sid
	}
	return t.sid + "." + t.turn
}

// token returns what the session's cookie names.
func (s Session) token() token { return token{s.SID, s.turn} }

// token returns what the payload names.
func (p payload) token() (t token) {
	t.sid, t.turn, _ = strings.Cut(p.SID, ".")
	return t
}

// payloadOf returns what a gorilla session's values say.
func payloadOf(values map[any]any) (p payload) {
	p.Username, _ = values["username"].(string)
	p.SID, _ = values["sid"].(string)
	p.Started, _ = values["started"].(int64)
	p.Host, _ = values["host"].(string)
	return p
}

// values returns the payload as a gorilla session's values.
func (p payload) values() map[any]any {
	values := map[any]any{"username": p.Username, "sid": p.SID, "started": p.Started}
	if p.Host != "" {
		values["host"] = p.Host
	}
	return values
}

var _ sessions.Store = (*Store)(nil)

// codec signs and verifies with one key.
type codec = *securecookie.SecureCookie

// serializer writes a payload as JSON and reads back only what it writes: a
// valid signature over anything else is refused.
type serializer struct{}

func (serializer) Serialize(src any) ([]byte, error) { return json.Marshal(src) }

// Deserialize reads JSON, and refuses what Serialize would write otherwise.
func (s serializer) Deserialize(src []byte, dst any) error {
	p, ok := dst.(*payload)
	if !ok || json.Unmarshal(src, p) != nil {
		return errCookie
	}
	if again, err := s.Serialize(p); err != nil || !bytes.Equal(again, src) {
		return errCookie
	}
	return nil
}

// SetKeys makes the first key sign and every key verify, from now on.
// No key at all is refused.
func (s *Store) SetKeys(keys [][32]byte) error {
	codecs, err := s.newCodecs(keys)
	if err == nil {
		s.codecs.Store(&codecs)
	}
	return err
}

func (s *Store) newCodecs(keys [][32]byte) ([]codec, error) {
	codecs := make([]codec, 0, len(keys))
	for _, k := range keys {
		c := securecookie.New(k[:], nil).SetSerializer(serializer{})
		codecs = append(codecs, c.MaxAge(int(s.opt.Max/time.Second))) // gorilla's Options.MaxAge binds only the browser
	}
	if len(codecs) == 0 {
		return nil, errors.New("no session key")
	}
	return codecs, nil
}

// Get returns the request's session from gorilla's registry: its Values are
// "username", "sid" and "started", which is in seconds since 1970. It is part of
// gorilla's sessions.Store. Whether the session is live is for Find to say.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session that the request's cookie holds, as Get does. A cookie
// that is not ours gives a new session and an error, and so do several that are.
// It is part of gorilla's sessions.Store.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	gs := sessions.NewSession(s, name)
	gs.Options = s.options()
	p, _, err := s.read(named(nil, r.Header["Cookie"], name), name, "", *s.keys(name))
	if err != nil {
		gs.IsNew = true
		return gs, err
	}
	gs.Values = p.values()
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
// without a sid, or with a negative MaxAge, clears the cookie: gorilla's own
// store would sign the live value once more. It is part of gorilla's
// sessions.Store.
func (s *Store) Save(_ *http.Request, w http.ResponseWriter, gs *sessions.Session) error {
	p := payloadOf(gs.Values)
	if p.SID == "" || gs.Options.MaxAge < 0 {
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
// COOKIE_DOMAIN. When the request carried several session cookies, those set for
// a part of the site or for a parent domain are cleared too.
func (s *Store) Clear(w http.ResponseWriter, r *http.Request) error {
	if s.Several(r) {
		ClearAll(w, r, s.name, s.opt.Secure)
	} else {
		gs := sessions.NewSession(s, s.name)
		gs.Options = s.options()
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

// Renew sends the session's cookie again if an old key signed it.
func (s *Store) Renew(w http.ResponseWriter, r *http.Request, found Session) error {
	if !found.old {
		return nil
	}
	return s.send(w, r, found)
}

// send sends the cookie that names the session. If the request carried several,
// the others are cleared: two that verify would count as none.
func (s *Store) send(w http.ResponseWriter, r *http.Request, started Session) error {
	if s.Several(r) {
		ClearAll(w, r, s.name, s.opt.Secure)
	}
	gs, _ := s.Get(r, s.name) // one that is not ours gives a new session too
	gs.Options.MaxAge = s.maxAge(started)
	gs.Values = payload{Username: started.Username, SID: started.token().String(), Started: started.Started.Unix()}.values()
	return gs.Save(r, w)
}

// maxAge returns the Max-Age of the session's cookies in seconds; 0 means none:
// they go when the browser closes.
func (s *Store) maxAge(found Session) int {
	if !found.Remember {
		return 0
	}
	return int(found.Started.Add(s.opt.Max).Sub(s.opt.Now()) / time.Second)
}

// sent returns what the request's cookie names, live or not, or nothing.
func (s *Store) sent(r *http.Request) token {
	gs, _ := s.Get(r, s.name)
	return payloadOf(gs.Values).token()
}

// options returns the cookie's attributes. gorilla's own defaults are
// SameSite=None, 30 days and no HttpOnly.
func (s *Store) options() *sessions.Options {
	return &sessions.Options{Path: "/", HttpOnly: true, Secure: s.opt.Secure, SameSite: http.SameSiteLaxMode}
}
