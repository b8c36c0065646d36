// Package keyring keeps the session keys: it makes, checks, rotates and prunes
// them, in memory and in the .env file, and derives one key per purpose.
// The first key signs and every key verifies. It refuses keys that are short,
// malformed, repeated or plainly not random, and never shows one.
package keyring

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/gorilla/securecookie"
)

var (
	// ErrKeys is wrapped by every error about a key that must not be used.
	ErrKeys = errors.New("SESSION_KEYS cannot be used")
	// ErrNoKeys is wrapped when a file has no key, or does not exist.
	ErrNoKeys = errors.New("SESSION_KEYS is not in this file: if the environment sets it, change it there; " +
		"if nothing sets it, glassjar makes it when it starts")
)

const (
	setting = "SESSION_KEYS"
	keySize = 32 // bytes, for each key and for each key derived from it

	hint       = "make a key with: openssl rand -base64 32"
	hintFolder = "let glassjar write in that folder, or set SESSION_KEYS in the environment"
)

// Ring is the session keys, newest first: the first signs, every one verifies.
// It is immutable; the zero Ring has no keys.
type Ring struct {
	keys []key
}

// key returns its bytes. It is a function because fmt looks through pointers
// (%s of a struct with a Ring inside would print them) but not into a function.
type key func() []byte

// New returns a ring of one fresh key.
func New() (Ring, error) {
	return Ring{}.Rotate()
}

// Parse reads a SESSION_KEYS value: standard base64 of 32 bytes for each key,
// newest first, separated by commas; spaces around them are ignored.
// Its errors wrap [ErrKeys], say which key by its position, and never show one.
func Parse(text string) (Ring, error) {
	if strings.TrimSpace(text) == "" {
		return Ring{}, fmt.Errorf("%w: it is empty: %s", ErrKeys, hint)
	}
	var ring Ring
	for word := range strings.SplitSeq(text, ",") {
		raw, fault := parseKey(strings.TrimSpace(word))
		if slices.ContainsFunc(ring.keys, func(k key) bool { return bytes.Equal(k(), raw) }) {
			fault = "is there twice"
		}
		if fault != "" {
			return Ring{}, fmt.Errorf("%w: key %d %s: %s", ErrKeys, ring.Len()+1, fault, hint)
		}
		ring.keys = append(ring.keys, func() []byte { return raw })
	}
	return ring, nil
}

// parseKey returns one key, or what is wrong with it.
func parseKey(word string) (raw []byte, fault string) {
	raw, err := base64.StdEncoding.DecodeString(word)
	switch {
	case err != nil, base64.StdEncoding.EncodeToString(raw) != word: // Go skips line breaks and stray bits
		return nil, "is not standard base64 with its padding"
	case len(raw) != keySize:
		return nil, fmt.Sprintf("is %d bytes, not %d", len(raw), keySize)
	case bytes.Count(raw, raw[:1]) == keySize:
		return nil, "is one byte, repeated"
	}
	return raw, ""
}

// Len returns how many keys there are.
func (r Ring) Len() int { return len(r.keys) }

// Text returns the value of SESSION_KEYS with all secrets. Write it only to the
// file.
func (r Ring) Text() string {
	words := make([]string, 0, r.Len())
	for _, key := range r.keys {
		words = append(words, base64.StdEncoding.EncodeToString(key()))
	}
	return strings.Join(words, ",")
}

// Rotate returns a ring with a fresh key in front of the others.
func (r Ring) Rotate() (Ring, error) {
	fresh := make([]byte, keySize)
	if _, err := rand.Read(fresh); err != nil {
		return Ring{}, fmt.Errorf("making a key: %w", err)
	}
	return Ring{slices.Insert(slices.Clone(r.keys), 0, func() []byte { return fresh })}, nil
}

// Behind returns a ring with the first key behind the others: the step before it
// signs, in which every server learns to verify with it.
func (r Ring) Behind() Ring {
	return Ring{slices.Concat(r.keys[1:], r.keys[:1])}
}

// Prune returns a ring of the newest key only.
func (r Ring) Prune() Ring {
	return Ring{slices.Clone(r.keys[:min(1, r.Len())])}
}

// Derive returns a key for the purpose from each key, in the same
// order (HKDF-SHA-256, RFC 5869). Keys of different purposes are independent:
// one reveals nothing about another. The purpose "id" is reserved for [Ring.IDs].
func (r Ring) Derive(purpose string) [][keySize]byte {
	derived := make([][keySize]byte, 0, r.Len())
	for _, key := range r.keys {
		out, err := hkdf.Key(sha256.New, key(), nil, "glassjar/"+purpose, keySize)
		if err != nil {
			panic(err) // only for an output of more than 255 hashes
		}
		derived = append(derived, [keySize]byte(out))
	}
	return derived
}

// IDs returns a short name for each key, in the same order. It distinguishes
// keys, reveals nothing about them, and may be shown and logged.
func (r Ring) IDs() []string {
	ids := make([]string, 0, r.Len())
	for _, key := range r.Derive("id") {
		ids = append(ids, hex.EncodeToString(key[:4]))
	}
	return ids
}

// SelfTest signs and verifies with each key, and checks that a key which
// differs in one bit is rejected. Call it at start: gorilla/securecookie itself
// accepts a key of any length.
func (r Ring) SelfTest() error {
	if r.Len() == 0 {
		return fmt.Errorf("%w: there is no key: %s", ErrKeys, hint)
	}
	for i, key := range r.Derive("self-test") {
		var got string
		good := securecookie.New(key[:], nil).MaxAge(0) // independent of the clock
		signed, err := good.Encode("self-test", "glassjar")
		if err == nil {
			err = good.Decode("self-test", signed, &got)
		}
		if err != nil || got != "glassjar" {
			return fmt.Errorf("%w: key %d does not verify what it signed: %w", ErrKeys, i+1, err)
		}
		other := key
		other[0] ^= 1
		if securecookie.New(other[:], nil).MaxAge(0).Decode("self-test", signed, &got) == nil {
			return fmt.Errorf("%w: another key verifies what key %d signed", ErrKeys, i+1)
		}
	}
	return nil
}

// String says how many keys there are, and shows none.
func (r Ring) String() string {
	if r.Len() == 1 {
		return "keyring of 1 key"
	}
	return fmt.Sprintf("keyring of %d keys", r.Len())
}

// Format makes every verb, %#v and %x too, print what String returns.
func (r Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue makes a log show what String returns.
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }
