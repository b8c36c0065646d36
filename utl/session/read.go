package session

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxCookiesSent = 3000 // cookies of any name that a request may carry; net/http's limit
	maxVerify      = 16   // cookies of one name whose signatures are verified
	maxValue       = 4096 // bytes of a value that securecookie decodes
	signatureChars = 44   // least length of a value: the HMAC-SHA-256 in base64
)

// find returns the live session of the request's cookie of the name. host is the
// gate cookie's host, or empty for the session cookie. Of several cookies the one
// that verifies counts.
func (s *Store) find(r *http.Request, name, host string) (Session, error) {
	var few [4]string
	sent := cookiesNamed(few[:0], r.Header["Cookie"], name)
	if len(sent) == 0 {
		return Session{}, ErrNone
	}
	keys, now := s.keys(name), s.opt.Now()
	if len(sent) == 1 && len(sent[0]) <= maxValue {
		if e, old := s.cache.find(s.cache.fingerprintOf(name, host, sent[0]), keys, now); e.live {
			found, err := s.sessionOf(e, now)
			found.old = old
			return found, err
		}
	}
	p, value, err := s.read(sent, name, host, *keys)
	if err != nil {
		return Session{}, ErrNone
	}
	sid := p.token().sid
	found, err := s.live(r.Context(), sid)
	if err == nil && !p.matches(found) { // it may have been proven on another server just now: read the row
		if e, gen, fresh := s.cache.get(sid, now); e != &unknownEntry || !fresh {
			found, err = s.load(r.Context(), sid, e, gen, now)
		}
	}
	if err != nil {
		return Session{SID: sid}, err
	}
	if !p.matches(found) {
		return Session{}, ErrNone
	}
	s.cache.addVerified(s.cache.fingerprintOf(name, host, value), keys, sid, p.old)
	found.old = p.old
	return found, nil
}

// matches reports whether the payload was made for the session.
func (p payload) matches(s Session) bool {
	named := s.token().String()
	if p.Host != "" {
		named = s.SID
	}
	return p.SID == named && p.Username == s.Username && p.Started == s.Started.Unix()
}

// read verifies the values of cookies of the name, and returns the payload and
// value of the one that is valid for the host. Errors: errCookie when none is, when
// more than one is, and when there are more than maxVerify to verify.
func (s *Store) read(sent []string, name, host string, codecs []codec) (good payload, value string, err error) {
	tries := 0
	for _, v := range sent {
		if !s.canonical(v) {
			continue
		}
		if tries++; tries > maxVerify {
			return payload{}, "", errCookie
		}
		p, err := s.verify(name, v, codecs)
		if err != nil || p.Host != host {
			continue
		}
		if value != "" {
			return payload{}, "", errCookie
		}
		good, value = p, v
	}
	if value == "" {
		return payload{}, "", errCookie
	}
	return good, value, nil
}

// verify returns the payload of a cookie of the name, if one of the codecs signed
// it.
func (s *Store) verify(name, value string, codecs []codec) (payload, error) {
	for i, c := range codecs {
		var p payload
		if c.Decode(name, value, &p) != nil {
			continue
		}
		p.old = i > 0
		if !s.isRecent(time.Unix(p.Started, 0), s.opt.Now(), s.opt.Max) {
			break
		}
		return p, nil
	}
	return payload{}, errCookie
}

// canonical reports whether the value is in the one spelling that we send (base64
// has others that decode to the same bytes: other last bits, line breaks) and is
// not dated in the future; securecookie checks neither.
func (s *Store) canonical(value string) bool {
	if len(value) < signatureChars || len(value) > maxValue || strings.ContainsAny(value, "\r\n") {
		return false
	}
	raw, err := base64.URLEncoding.Strict().DecodeString(value)
	if err != nil {
		return false
	}
	date, _, _ := bytes.Cut(raw[:min(len(raw), 20)], []byte("|"))
	signed, err := strconv.ParseInt(string(date), 10, 64)
	return err == nil && date[0] >= '1' && signed <= s.opt.Now().Add(signedSkew).Unix()
}

// HasDuplicateCookie reports whether the request carries more than one session cookie.
func (s *Store) HasDuplicateCookie(r *http.Request) bool { return hasDuplicates(r, s.name) }

func hasDuplicates(r *http.Request, name string) bool {
	var few [4]string
	return len(cookiesNamed(few[:0], r.Header["Cookie"], name)) > 1
}

// cookiesNamed appends to values those of the cookies of the name in the Cookie
// headers, unchanged, including ones that net/http would drop. It returns none when
// the headers carry more than maxCookiesSent cookies of any name.
func cookiesNamed(values, headers []string, name string) []string {
	all := 0
	for _, line := range headers {
		for ; line != ""; all++ {
			var part string
			part, line, _ = strings.Cut(line, ";")
			before, after, _ := strings.Cut(strings.Trim(part, " \t"), "=")
			if strings.TrimRight(before, " \t") == name {
				values = append(values, after)
			}
		}
	}
	if all > maxCookiesSent {
		return nil
	}
	return values
}
