package handlers

import (
	"fmt"
	"net/http"
	"strings"
)

// What of a request the lab shows: so many bytes, and so many of its form.
const (
	maxLabHead = 8 << 10
	maxLabBody = 4 << 10
)

// How a piece of a request is shown.
const (
	pieceLine   = "line" // the first line
	pieceCookie = "cookie"
	pieceField  = "field"
)

// labPiece is a run of a request's bytes.
type labPiece struct{ Kind, Text string }

// labMessage is a request as HTTP/1.1 sends it (RFC 9112, section 2.1), without
// the visitor's secrets but for the lab's own.
type labMessage struct {
	pieces []labPiece
	size   int
	left   int  // how many headers and fields are left out, since they are too long
	cookie bool // it carries the lab's cookie
	secret string
}

// newLabMessage returns the request with the form's body. Headers stand by
// name: net/http does not keep their order.
func newLabMessage(r *http.Request, body string) *labMessage {
	m := &labMessage{}
	m.add(maxLabHead, labPiece{pieceLine, shorten(r.Method+" "+maskedTarget(r), 1000) + " HTTP/1.1"}, labPiece{"", "\r\n"})
	for _, h := range labHeaders(r) {
		line := []labPiece{{"", h.Name + ": " + h.Value}}
		if h.Name == "Cookie" {
			line = cookieLine(h.Value)
		}
		m.add(maxLabHead, append(line, labPiece{"", "\r\n"})...)
	}
	m.add(m.size+maxLabHead, labPiece{"", "\r\n"})
	m.addForm(body)
	return m
}

// add appends the pieces, unless the message would then be over the limit.
func (m *labMessage) add(limit int, pieces ...labPiece) bool {
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

// cookieLine returns the header with the value of the lab's cookie apart.
func cookieLine(masked string) []labPiece {
	line := []labPiece{{"", "Cookie: "}}
	for i, one := range strings.Split(masked, "; ") {
		if i > 0 {
			line = append(line, labPiece{"", "; "})
		}
		if value, found := strings.CutPrefix(one, labCookie+"="); found && value != "" {
			line = append(line, labPiece{"", labCookie + "="}, labPiece{pieceCookie, value})
		} else {
			line = append(line, labPiece{"", one})
		}
	}
	return line
}

// addForm appends the form's fields as they came. The secret of the lab's form
// is the one that is not masked.
func (m *labMessage) addForm(body string) {
	limit, join := m.size+maxLabBody, ""
	for field := range strings.SplitSeq(body, "&") {
		name, value, found := strings.Cut(field, "=")
		text := maskedArgs(field)
		if unescape(name) == "secret" {
			text = name + "=" + encodeControls(value)
		}
		if shownName, shown, _ := strings.Cut(text, "="); !found {
			m.add(limit, labPiece{"", join + text})
		} else if m.add(limit, labPiece{"", join + shownName + "="}, labPiece{pieceField, shown}) && unescape(name) == "secret" {
			m.secret = shown
		}
		join = "&"
	}
}

// bytes returns what is sent.
func (m *labMessage) bytes() []byte {
	var b strings.Builder
	for _, p := range m.pieces {
		b.WriteString(p.Text)
	}
	return []byte(b.String())
}

// overHTTP is what a listener reads of the message.
func overHTTP(m *labMessage, secret string) labListener {
	l := labListener{Pieces: m.pieces, Bad: true}
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
