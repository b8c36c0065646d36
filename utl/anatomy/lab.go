package anatomy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	// MaxSize is the maximum size of a cookie's name and value that every browser accepts:
	// 4,096 bytes (RFC 6265, section 6.1).
	MaxSize = 4096
	// MaxAge is the maximum age of a cookie of the lab.
	MaxAge = 30 * 24 * time.Hour

	skew = 60 // seconds that a timestamp may lie in the future
)

// Check is one of the checks that a value must pass, in the order in which they are made.
type Check int

// The checks. All but Spelling are gorilla/securecookie's.
const (
	Length    Check = iota // at most MaxSize bytes
	Base64                 // base64url, and three parts in it
	Signature              // HMAC over this name, timestamp and payload, with the key
	Age                    // at most MaxAge, and not from the future
	Payload                // base64url over a JSON dictionary
	Spelling               // the canonical base64url of these bytes
)

// Verdict is the result of verifying a value.
type Verdict struct {
	Err    error // the library's own error; nil when the value is accepted
	Failed Check // the first check that failed, when Err is not nil
}

// Lab signs and verifies cookies with the lab's own keys. It is safe for
// concurrent use.
type Lab struct{ keys atomic.Pointer[keys] }

type keys struct {
	sign              [32]byte
	signed, encrypted *securecookie.SecureCookie // signed; signed and encrypted
}

// New returns a Lab that signs with the key sign and encrypts with the key block.
func New(sign, block [32]byte) *Lab {
	l := &Lab{}
	l.SetKeys(sign, block)
	return l
}

// SetKeys replaces the lab's keys.
func (l *Lab) SetKeys(sign, block [32]byte) {
	codec := func(block []byte) *securecookie.SecureCookie {
		return securecookie.New(sign[:], block).SetSerializer(serializer{}).
			MaxLength(MaxSize).MaxAge(int(MaxAge / time.Second)).MinAge(-skew)
	}
	l.keys.Store(&keys{sign, codec(nil), codec(block[:])})
}

// Key returns the signing key. It may be shown, because it protects nothing.
func (l *Lab) Key() []byte {
	key := l.keys.Load().sign
	return key[:]
}

// Size returns the size in bytes of the signed cookie's name and value.
func Size(name string, d Dictionary) int {
	b64 := base64.URLEncoding.EncodedLen
	return len(name) + b64(len("1234567890||")+b64(len(d.String()))+sha256.Size)
}

// Encode signs the dictionary with gorilla/securecookie, and returns the cookie's value.
func (l *Lab) Encode(name string, d Dictionary) (string, error) {
	return encode(l.keys.Load().signed, name, d)
}

// Encrypt encrypts and signs the dictionary with gorilla/securecookie, and returns the
// cookie's value.
func (l *Lab) Encrypt(name string, d Dictionary) (string, error) {
	return encode(l.keys.Load().encrypted, name, d)
}

func encode(codec *securecookie.SecureCookie, name string, d Dictionary) (string, error) {
	value, err := codec.Encode(name, d)
	if err != nil {
		return "", fmt.Errorf("signing a cookie of the lab: %w", err)
	}
	return value, nil
}

// Sign signs any payload with any time, without gorilla/securecookie: so can everybody
// who knows the key.
func (l *Lab) Sign(name, payload string, at time.Time) string {
	text := strconv.FormatInt(at.Unix(), 10) + "|" + base64.URLEncoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, l.keys.Load().sign[:])
	mac.Write([]byte(name + "|" + text))
	return base64.URLEncoding.EncodeToString(append([]byte(text+"|"), mac.Sum(nil)...))
}

// Verify verifies a signed value.
func (l *Lab) Verify(name, value string) Verdict { return verify(l.keys.Load().signed, name, value) }

// VerifySealed verifies a value from [Lab.Encrypt].
func (l *Lab) VerifySealed(name, value string) Verdict {
	return verify(l.keys.Load().encrypted, name, value)
}

func verify(codec *securecookie.SecureCookie, name, value string) Verdict {
	value = unwrap(value)
	err := codec.Decode(name, value, new(Dictionary))
	if err != nil {
		return Verdict{err, failed(value, err)}
	}
	// The last character may have unused bits, which securecookie accepts set or not.
	_, err = base64.URLEncoding.Strict().DecodeString(value)
	return Verdict{err, Spelling}
}

// failed returns the check that the library's error is about.
func failed(value string, err error) Check {
	_, parts := Parse("", value)
	switch {
	case len(value) > MaxSize:
		return Length
	case parts != nil:
		return Base64
	case errors.Is(err, securecookie.ErrMacInvalid):
		return Signature
	case strings.HasPrefix(err.Error(), "securecookie: ") && strings.Contains(err.Error(), "timestamp"):
		return Age
	}
	return Payload
}

// serializer encodes a dictionary as JSON, without securecookie's line break.
type serializer struct{}

// Serialize returns the JSON of a Dictionary.
func (serializer) Serialize(src any) ([]byte, error) {
	d, ok := src.(Dictionary)
	if !ok {
		return nil, errNoDictionary
	}
	return []byte(d.String()), nil
}

// Deserialize parses JSON into a *Dictionary.
func (serializer) Deserialize(text []byte, dst any) (err error) {
	d, ok := dst.(*Dictionary)
	if !ok {
		return errNoDictionary
	}
	*d, err = ParseDictionary(text)
	return err
}
