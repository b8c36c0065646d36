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

// errCookie means that no key in use signed the cookie, or that it has expired.
var errCookie = errors.New("not a cookie of ours")

// payload is the content of the session cookie and of gate cookies. It is signed,
// not encrypted: the browser's user can read it.
type payload struct {
	Username string `json:"username"`
	SID      string `json:"sid"`            // of a session cookie: the token's text
	Started  int64  `json:"started"`        // seconds since 1970
	Host     string `json:"host,omitempty"` // of a gate cookie: the only host that accepts it
	old      bool   // signed with an old key
}

// token identifies a session in its cookie: the row's sid and, after a proof, the
// row's turn. A proof changes the turn, so cookies from before it are refused;
// gate cookies carry the sid only, and stay valid.
type token struct{ sid, turn string }

// String returns the token as it stands in the cookie: sid, or sid.turn.
func (t token) String() string {
	if t.turn == "" {
		return t.sid
	}
	return t.sid + "." + t.turn
}

// token returns the token of the session's cookie.
func (s Session) token() token { return token{s.SID, s.turn} }

// token returns the payload's token.
func (p payload) token() (t token) {
	t.sid, t.turn, _ = strings.Cut(p.SID, ".")
	return t
}

// payloadOf returns the payload in a gorilla session's Values.
func payloadOf(values map[any]any) (p payload) {
	p.Username, _ = values["username"].(string)
	p.SID, _ = values["sid"].(string)
	p.Started, _ = values["started"].(int64)
	p.Host, _ = values["host"].(string)
	return p
}

// values returns the payload as a gorilla session's Values.
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

// serializer encodes payloads as JSON and accepts only the exact bytes that it
// would write: a valid signature over other JSON is refused.
type serializer struct{}

// Serialize encodes a payload as JSON.
func (serializer) Serialize(src any) ([]byte, error) { return json.Marshal(src) }

// Deserialize decodes JSON, and refuses bytes that differ from Serialize's.
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

// SetKeys replaces the keys of session cookies: the first signs, all verify. An
// empty list is an error.
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
// gorilla's sessions.Store. It does not check that the session is live; Find does.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session in the request's cookie, as Get does. When no cookie
// verifies, or more than one does, it returns a new session and an error.
// It is part of gorilla's sessions.Store.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	gs := sessions.NewSession(s, name)
	gs.Options = s.options()
	p, _, err := s.read(cookiesNamed(nil, r.Header["Cookie"], name), name, "", *s.keys(name))
	if err != nil {
		gs.IsNew = true
		return gs, err
	}
	gs.Values = p.values()
	return gs, nil
}

// keys returns the codecs for cookies of the name.
func (s *Store) keys(name string) *[]codec {
	if name == s.name {
		return s.codecs.Load()
	}
	return s.gate.Load()
}

// Save sends the session's cookie, signed with the first key. For a session
// without a sid, or with a negative MaxAge, it deletes the cookie; gorilla's own
// store would sign and send the live value again. It is part of gorilla's
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

// Clear deletes the session cookie and the gate cookie of COOKIE_DOMAIN in the
// browser. When the request carried several session cookies, it deletes those of
// other paths and parent domains too.
func (s *Store) Clear(w http.ResponseWriter, r *http.Request) error {
	if s.HasDuplicateCookie(r) {
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
	gs := s.newGate(CookieScope{Host: s.opt.GateDomain, Domain: true, Secure: true})
	return gs.Save(r, w)
}

// Renew signs the session's cookie again, with the newest key, if an older key had
// signed it.
func (s *Store) Renew(w http.ResponseWriter, r *http.Request, found Session) error {
	if !found.old {
		return nil
	}
	return s.send(w, r, found)
}

// send sends the session's cookie. If the request carried several, it deletes the
// others: two valid cookies would sign the person out.
func (s *Store) send(w http.ResponseWriter, r *http.Request, started Session) error {
	if s.HasDuplicateCookie(r) {
		ClearAll(w, r, s.name, s.opt.Secure)
	}
	gs, _ := s.Get(r, s.name) // with an error it is a new session
	gs.Options.MaxAge = s.maxAge(started)
	gs.Values = payload{Username: started.Username, SID: started.token().String(), Started: started.Started.Unix()}.values()
	return gs.Save(r, w)
}

// maxAge returns the Max-Age of the session's cookies in seconds, or 0 for cookies
// that end when the browser closes.
func (s *Store) maxAge(found Session) int {
	if !found.Remember {
		return 0
	}
	return int(found.Started.Add(s.opt.Max).Sub(s.opt.Now()) / time.Second)
}

// presentedToken returns the token in the request's cookie, whether or not its
// session is live, or the zero token.
func (s *Store) presentedToken(r *http.Request) token {
	gs, _ := s.Get(r, s.name)
	return payloadOf(gs.Values).token()
}

// options returns the cookie's attributes. gorilla's own defaults are
// SameSite=None, 30 days and no HttpOnly.
func (s *Store) options() *sessions.Options {
	return &sessions.Options{Path: "/", HttpOnly: true, Secure: s.opt.Secure, SameSite: http.SameSiteLaxMode}
}
