package anatomy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/sessions"
)

// maxCookies is how many cookies of one name are verified: another site of the same domain
// may have set more.
const maxCookies = 8

// SizeError means that a cookie was not sent because browsers would drop it. Its value is
// the size of the cookie in bytes.
type SizeError int

// Error returns a sentence with the size.
func (e SizeError) Error() string { return fmt.Sprintf("the lab's cookie would have %d bytes", int(e)) }

// JSON is a value as JSON that is neither a string nor an int.
type JSON string

// Store implements sessions.Store of gorilla/sessions: it stores the whole session in a
// cookie that the lab signs. In Values, keys are strings, and values are string, int or
// [JSON].
type Store struct {
	Lab    *Lab
	Secure bool // sets the cookie's Secure attribute
}

var _ sessions.Store = Store{}

var errValues = errors.New("the lab's session cannot be written")

// Get returns the request's session, from gorilla's registry.
func (s Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session in the request's cookie, or a new one. For a new one the error
// says why the first cookie was refused, if there was one.
func (s Store) New(r *http.Request, name string) (*sessions.Session, error) {
	gs := sessions.NewSession(s, name)
	gs.Options = &sessions.Options{
		Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode, MaxAge: int(MaxAge / time.Second),
	}
	c, err := s.Lab.Find(r, name)
	if gs.IsNew = c.Value == ""; gs.IsNew {
		return gs, err
	}
	d, err := c.Dictionary()
	gs.Values = d.values()
	return gs, err
}

// Save sets the session's cookie. Errors: [SizeError]; a key or a value of another type.
func (s Store) Save(_ *http.Request, w http.ResponseWriter, gs *sessions.Session) error {
	d, err := dictionary(gs.Values)
	if err != nil {
		return err
	}
	if n := Size(gs.Name(), d); n > MaxSize {
		return SizeError(n)
	}
	value, err := s.Lab.Encode(gs.Name(), d)
	if err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(gs.Name(), value, gs.Options))
	return nil
}

// Find returns the request's first cookie of this name that the lab signed. If there is
// none, its Value is empty, and the error says why the first cookie was refused, if there
// was one.
func (l *Lab) Find(r *http.Request, name string) (Cookie, error) {
	var first error
	sent := r.CookiesNamed(name)
	for _, c := range sent[:min(len(sent), maxCookies)] {
		v := l.Verify(name, c.Value)
		if v.Err == nil {
			return Parse(name, c.Value)
		}
		if first == nil {
			first = v.Err
		}
	}
	return Cookie{}, first
}

// FindEncrypted returns the content of the request's first cookie of this name that
// [Lab.Encrypt] made, or nil.
func (l *Lab) FindEncrypted(r *http.Request, name string) (d Dictionary) {
	sent := r.CookiesNamed(name)
	for _, c := range sent[:min(len(sent), maxCookies)] {
		if l.keys.Load().encrypted.Decode(name, c.Value, &d) == nil {
			return d
		}
	}
	return nil
}

// values returns the dictionary as the Values of a session.
func (d Dictionary) values() map[any]any {
	all := make(map[any]any, len(d))
	for _, e := range d {
		var text string
		if n, err := strconv.Atoi(e.JSON); err == nil {
			all[e.Key] = n
		} else if json.Unmarshal([]byte(e.JSON), &text) == nil && e.JSON != "null" {
			all[e.Key] = text
		} else {
			all[e.Key] = JSON(e.JSON)
		}
	}
	return all
}

// dictionary returns a session's values, sorted by key, because a Go map has no order.
func dictionary(values map[any]any) (Dictionary, error) {
	texts := make(map[string]string, len(values))
	for key, value := range values {
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("%w: a key is a %T", errValues, key)
		}
		switch value := value.(type) {
		case string:
			texts[name] = quote(value)
		case int:
			texts[name] = strconv.Itoa(value)
		case JSON:
			texts[name] = string(value)
		default:
			return nil, fmt.Errorf("%w: a value is a %T", errValues, value)
		}
	}
	d := Dictionary{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		d = append(d, Entry{name, texts[name]})
	}
	return d, nil
}
