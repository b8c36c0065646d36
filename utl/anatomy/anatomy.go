// Package anatomy parses, makes and verifies signed cookies for the lab: it finds the
// characters that encode each part, signs with the lab's own key, and says which check a
// value fails. It has no other key, stores none of its input, and never reveals what a
// valid signature would have been.
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
	// ErrParts means that a value does not consist of timestamp, payload and signature with
	// bars between them.
	ErrParts = errors.New("there are not three parts")
)

// Part is one part of a signed cookie.
type Part struct {
	Text     string // decoded; a signature is 32 bytes, not text
	From, To int    // Value[From:To] are the characters that encode it
}

// Cookie is a parsed signed cookie: its value is timestamp|payload|signature in base64url.
type Cookie struct {
	Name, Value string

	Timestamp, Payload, Signature Part
}

// Parse parses a cookie without verifying it; [Lab.Verify] verifies. Line breaks in the
// value are ignored, as base64 decoders do. Errors: [ErrLong], base64.CorruptInputError
// and [ErrParts].
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

// ReplacePayload returns the cookie's value with another payload and the old timestamp
// and signature.
func (c Cookie) ReplacePayload(d Dictionary) string {
	text := c.Timestamp.Text + "|" + base64.URLEncoding.EncodeToString([]byte(d.String())) + "|" + c.Signature.Text
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// unwrap returns the value without the line breaks that tools insert into base64.
func unwrap(value string) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(value)
}

// part returns the part whose text begins at byte at of the decoded value. A character
// encodes 6 bits and a bar has 8, so no character belongs to two parts.
func part(text string, at int) Part {
	if text == "" {
		return Part{From: at * 8 / 6, To: at * 8 / 6}
	}
	return Part{text, at * 8 / 6, ((at+len(text))*8 + 5) / 6}
}

// Piece is a run of characters of a value that encode one part. If Part is empty, they
// encode a bar between parts, or are padding.
type Piece struct{ Part, Text string }

// Pieces returns the characters of the value in order, split at the ends of the parts.
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

// Signed returns the timestamp, and reports whether it is a number of seconds since 1970.
// It does not verify the signature.
func (c Cookie) Signed() (time.Time, bool) {
	seconds, err := strconv.ParseInt(c.Timestamp.Text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}

// JSON returns the payload, decoded from base64url.
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

// Change is one difference between two cookies. Was and Now are the part's text before
// and after, empty if the part is missing or cannot be decoded.
type Change struct{ Part, Was, Now string }

// Changes returns the differences between two cookies: in name, payload (entry by entry),
// timestamp and signature.
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
	if all == nil { // the same entries, in another spelling or order
		all = []Change{{Part: "payload"}}
	}
	return all
}
