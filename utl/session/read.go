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
	maxSent   = 3000 // that a request may carry, as net/http has it
	maxVerify = 16   // cookies of one name whose signature is verified
	maxValue  = 4096 // bytes of a value that securecookie decodes
	signature = 44   // characters at its end that hold the HMAC
)

// find returns the live session that the request's cookie of the name names,
// one for the host; the session cookie is for none. Of several cookies the one
// that verifies counts.
func (s *Store) find(r *http.Request, name, host string) (Session, error) {
	var few [4]string
	sent := named(few[:0], r.Header["Cookie"], name)
	if len(sent) == 0 {
		return Session{}, ErrNone
	}
	keys, now := s.keys(name), s.opt.Now()
	if len(sent) == 1 && len(sent[0]) <= maxValue {
		if e, old := s.cache.find(s.cache.fingerprintOf(name, host, sent[0]), keys, now); e.live {
			found, err := s.within(e, now)
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
	if err == nil && !p.names(found) { // perhaps it was proven at another server just now: the row decides
		if e, gen, fresh := s.cache.get(sid, now); e != &unknown || !fresh {
			found, err = s.load(r.Context(), sid, e, gen, now)
		}
	}
	if err != nil {
		return Session{SID: sid}, err
	}
	if !p.names(found) {
		return Session{}, ErrNone
	}
	s.cache.remember(s.cache.fingerprintOf(name, host, value), keys, sid, p.old)
	found.old = p.old
	return found, nil
}

// names reports whether the session is the one that the payload was made for.
func (p payload) names(s Session) bool {
	named := s.token().String()
	if p.Host != "" {
		named = s.SID
	}
	return p.SID == named && p.Username == s.Username && p.Started == s.Started.Unix()
}

// read verifies the cookies of the name, and returns the value of the one that
// is good at the host and what it says. Errors: errCookie, also when several are
// good, and when more than maxVerify could be.
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

// verify returns what a cookie of the name says, if one of the codecs signed it.
func (s *Store) verify(name, value string, codecs []codec) (payload, error) {
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

// canonical reports whether the value is spelled the one way that we spell it
// (base64 has others that decode to the same bytes: other last bits, line
// breaks) and is not dated in the future, which securecookie does not refuse.
func (s *Store) canonical(value string) bool {
	if len(value) < signature || len(value) > maxValue || strings.ContainsAny(value, "\r\n") {
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

// Several reports whether the request carries more than one session cookie.
func (s *Store) Several(r *http.Request) bool { return several(r, s.name) }

func several(r *http.Request, name string) bool {
	var few [4]string
	return len(named(few[:0], r.Header["Cookie"], name)) > 1
}

// named appends the values of the name in the Cookie headers, as they stand
// there: those too that net/http does not read. It appends none when there are
// more than maxSent of whatever name.
func named(values, headers []string, name string) []string {
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
	if all > maxSent {
		return nil
	}
	return values
}
