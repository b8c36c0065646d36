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

// maxCookies is how many cookies of one name are looked at: another site of the
// domain may have set some.
const maxCookies = 8

// SizeError is how many bytes a cookie would have that browsers do not keep, so
// that it was not sent.
type SizeError int

// Error returns the size with what it is of.
func (e SizeError) Error() string { return fmt.Sprintf("the lab's cookie would have %d bytes", int(e)) }

// JSON is a value that is neither a string nor an int, as JSON writes it.
type JSON string

// Store is gorilla's sessions.Store: it keeps a session whole in a cookie that
// the lab signs. In Values, keys are strings and values string, int or [JSON].
type Store struct {
	Lab    *Lab
	Secure bool // the cookie goes over https alone
}

var _ sessions.Store = Store{}

var errValues = errors.New("the lab's session cannot be written")

// Get returns the request's session from gorilla's registry.
func (s Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session that the request's cookie holds, or a new one, and
// then the error says why the cookies that came were refused.
func (s Store) New(r *http.Request, name string) (*sessions.Session, error) {
	gs := sessions.NewSession(s, name)
	gs.Options = &sessions.Options{
		Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode, MaxAge: int(MaxAge / time.Second),
	}
	c, err := s.Lab.Held(r, name)
	if gs.IsNew = c.Value == ""; gs.IsNew {
		return gs, err
	}
	d, err := c.Dictionary()
	gs.Values = d.values()
	return gs, err
}

// Save sends the session's cookie. Errors: [SizeError]; a key or a value of
// another type.
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

// Held returns the cookie of the name that the request carries: of several, the
// first that the lab signed. Where there is none, its value is empty and the
// error says why the first was refused, if one came.
func (l *Lab) Held(r *http.Request, name string) (Cookie, error) {
	var first error
	sent := r.CookiesNamed(name)
	for _, c := range sent[:min(len(sent), maxCookies)] {
		v := l.Judge(name, c.Value)
		if v.Err == nil {
			return Parse(name, c.Value)
		}
		if first == nil {
			first = v.Err
		}
	}
	return Cookie{}, first
}

// values returns the dictionary as a session has it.
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

// dictionary returns a session's values, sorted by key: a Go map has no order.
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
