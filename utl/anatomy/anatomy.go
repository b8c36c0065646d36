// Package anatomy takes a signed cookie apart and puts it together, for the
// lab: it finds the letters that spell each part, signs with the lab's own
// key, and says which check a value fails. It has no other key, stores none of
// its input, and never reveals what a signature should have been.
package anatomy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrLong means that a value has more than [MaxSize] bytes.
	ErrLong = errors.New("the value is too long")
	// ErrParts means that a value has no timestamp, payload and signature with a
	// bar between them.
	ErrParts = errors.New("there are not three parts")
)

// Part is one part of a signed cookie.
type Part struct {
	Text     string // decoded; a signature is 32 bytes, not text
	From, To int    // the letters Value[From:To] encode it
}

// Cookie is a signed cookie, taken apart: its value is base64url over
// timestamp|payload|signature.
type Cookie struct {
	Name, Value string

	Timestamp, Payload, Signature Part
}

// Parse takes a cookie apart without verifying it: [Lab.Verify] does that.
// Line breaks in the value are ignored, as in base64.
// Errors: [ErrLong], base64.CorruptInputError and [ErrParts].
func Parse(name, value string) (Cookie, error) {
	c := Cookie{Name: name, Value: unwrap(value)}
	if len(c.Value) > MaxSize {
		return c, ErrLong
	}
	raw, err := base64.URLEncoding.DecodeString(c.Value)
	if err != nil {
		return c, fmt.Errorf("decoding the base64url: %w", err)
	}
	texts := strings.SplitN(string(raw), "|", 3)
	if len(texts) != 3 {
		return c, ErrParts
	}
	at := 0
	for i, p := range []*Part{&c.Timestamp, &c.Payload, &c.Signature} {
		*p = part(texts[i], at)
		at += len(texts[i]) + 1
	}
	return c, nil
}

// ReplacePayload returns the cookie's value with another payload, and keeps its
// timestamp and signature.
func (c Cookie) ReplacePayload(d Dictionary) string {
	text := c.Timestamp.Text + "|" + base64.URLEncoding.EncodeToString([]byte(d.String())) + "|" + c.Signature.Text
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// unwrap returns the value without the line breaks that tools put into base64.
func unwrap(value string) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(value)
}

// part returns the part whose text begins at byte at of the decoded value. A
// letter encodes 6 bits and a bar has 8, so no letter belongs to two parts.
func part(text string, at int) Part {
	if text == "" {
		return Part{From: at * 8 / 6, To: at * 8 / 6}
	}
	return Part{text, at * 8 / 6, ((at+len(text))*8 + 5) / 6}
}

// Piece is a run of a value's letters that spell one part, or, where Part is
// empty, a bar between parts or the padding.
type Piece struct{ Part, Text string }

// Pieces returns the value's letters, in order, cut where the parts begin and
// end.
func (c Cookie) Pieces() []Piece {
	var pieces []Piece
	at := 0
	add := func(name string, to int) {
		if to > at {
			pieces = append(pieces, Piece{name, c.Value[at:to]})
			at = to
		}
	}
	add("", c.Timestamp.From)
	add("timestamp", c.Timestamp.To)
	add("", c.Payload.From)
	add("payload", c.Payload.To)
	add("", c.Signature.From)
	add("signature", c.Signature.To)
	add("", len(c.Value))
	return pieces
}

// Signed returns the timestamp, and reports whether it is a number of seconds
// since 1970. The signature is not verified.
func (c Cookie) Signed() (time.Time, bool) {
	seconds, err := strconv.ParseInt(c.Timestamp.Text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}

// JSON returns the payload, decoded from its own base64url.
func (c Cookie) JSON() (string, error) {
	raw, err := base64.URLEncoding.DecodeString(c.Payload.Text)
	if err != nil {
		return "", fmt.Errorf("decoding the payload's base64url: %w", err)
	}
	return string(raw), nil
}

// Dictionary returns the payload's entries.
func (c Cookie) Dictionary() (Dictionary, error) {
	text, err := c.JSON()
	if err != nil {
		return nil, err
	}
	return ParseDictionary([]byte(text))
}

// Change is one difference between two cookies. Was and Now are the part's text
// before and after; empty where the part is missing or cannot be decoded.
type Change struct{ Part, Was, Now string }

// Changes returns how now differs from was: in its name, its payload, entry by
// entry, its timestamp and its signature.
func Changes(was, now Cookie) []Change {
	var all []Change
	if was.Name != now.Name {
		all = append(all, Change{"name", was.Name, now.Name})
	}
	if was.Payload.Text != now.Payload.Text {
		all = append(all, payloadChanges(was, now)...)
	}
	if was.Timestamp.Text != now.Timestamp.Text {
		all = append(all, Change{"timestamp", was.Timestamp.Text, now.Timestamp.Text})
	}
	if was.Signature.Text != now.Signature.Text {
		all = append(all, Change{Part: "signature"})
	}
	return all
}

func payloadChanges(was, now Cookie) []Change {
	before, err := was.Dictionary()
	after, err2 := now.Dictionary()
	if err != nil || err2 != nil {
		return []Change{{Part: "payload"}}
	}
	var all []Change
	for _, e := range after {
		if old, ok := before.find(e.Key); !ok || old != e {
			all = append(all, Change{"payload", old.String(), e.String()})
		}
	}
	for _, e := range before {
		if _, ok := after.find(e.Key); !ok {
			all = append(all, Change{"payload", e.String(), ""})
		}
	}
	if all == nil { // the same entries, spelled or sorted in another way
		all = []Change{{Part: "payload"}}
	}
	return all
}
