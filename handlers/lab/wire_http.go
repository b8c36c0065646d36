package lab

import (
	"fmt"
	"net/http"
	"strings"
)

// Limits of what the lab shows of a request, in bytes.
const (
	maxHead      = 8 << 10
	maxBodyShown = 4 << 10
)

// The kinds of pieces of a request.
const (
	pieceLine   = "line" // the request line
	pieceCookie = "cookie"
	pieceField  = "field"
)

// piece is a run of a request's bytes.
type piece struct{ Kind, Text string }

// message is a request as HTTP/1.1 sends it (RFC 9112, section 2.1), with the visitor's
// secrets masked, except for the lab's own.
type message struct {
	pieces []piece
	size   int
	left   int  // number of headers and fields omitted because of the limit
	cookie bool // whether it has the lab's cookie
	secret string
}

// newMessage returns the request with the form's body. Headers are sorted by name,
// because net/http does not keep their order.
func newMessage(r *http.Request, body string) *message {
	m := &message{}
	m.add(maxHead, piece{pieceLine, shorten(r.Method+" "+maskedTarget(r), 1000) + " HTTP/1.1"}, piece{"", "\r\n"})
	for _, h := range headerRows(r) {
		line := []piece{{"", h.Name + ": " + h.Value}}
		if h.Name == "Cookie" {
			line = cookieLine(h.Value)
		}
		m.add(maxHead, append(line, piece{"", "\r\n"})...)
	}
	m.add(m.size+maxHead, piece{"", "\r\n"})
	m.addForm(body)
	return m
}

// add appends the pieces, unless the message would exceed the limit.
func (m *message) add(limit int, pieces ...piece) bool {
	size := 0
	for _, p := range pieces {
		size += len(p.Text)
	}
	if m.size+size > limit {
		m.left++
		return false
	}
	m.size += size
	m.pieces = append(m.pieces, pieces...)
	for _, p := range pieces {
		m.cookie = m.cookie || p.Kind == pieceCookie
	}
	return true
}

// cookieLine returns the Cookie header with the value of the lab's cookie as a piece of
// its own.
func cookieLine(masked string) []piece {
	line := []piece{{"", "Cookie: "}}
	for i, one := range strings.Split(masked, "; ") {
		if i > 0 {
			line = append(line, piece{"", "; "})
		}
		if value, found := strings.CutPrefix(one, cookieName+"="); found && value != "" {
			line = append(line, piece{"", cookieName + "="}, piece{pieceCookie, value})
		} else {
			line = append(line, piece{"", one})
		}
	}
	return line
}

// addForm appends the form's fields as they were sent. Only the secret of the lab's form
// is not masked.
func (m *message) addForm(body string) {
	limit, join := m.size+maxBodyShown, ""
	for field := range strings.SplitSeq(body, "&") {
		name, value, found := strings.Cut(field, "=")
		text := maskedArgs(field)
		if unescape(name) == "secret" {
			text = name + "=" + encodeControls(value)
		}
		if shownName, shown, _ := strings.Cut(text, "="); !found {
			m.add(limit, piece{"", join + text})
		} else if m.add(limit, piece{"", join + shownName + "="}, piece{pieceField, shown}) && unescape(name) == "secret" {
			m.secret = shown
		}
		join = "&"
	}
}

// bytes returns the bytes to send.
func (m *message) bytes() []byte {
	var b strings.Builder
	for _, p := range m.pieces {
		b.WriteString(p.Text)
	}
	return []byte(b.String())
}

// overHTTP returns what a listener reads of the message over http.
func overHTTP(m *message, secret string) listenerView {
	l := listenerView{Pieces: m.pieces, Bad: true}
	found := m.secret != "" && unescape(m.secret) == secret
	switch {
	case found && m.cookie:
		l.Title = "Found: your secret, and your cookie"
	case found:
		l.Title = "Found: your secret"
	case m.cookie:
		l.Title = "Found: your cookie"
	default:
		l.Title = "Readable, all of it"
	}
	if found && m.secret != secret {
		l.Why = append(l.Why, "A form writes a space as + and many other characters as % and two digits. Anybody can undo that.")
	}
	if m.cookie {
		l.Why = append(l.Why, "Whoever copies the cookie is you, until it ends.")
	}
	if m.left > 0 {
		l.Why = append(l.Why, fmt.Sprintf("%s left out here: too long to show.", count(m.left, "header or field is", "headers and fields are")))
	}
	return l
}
