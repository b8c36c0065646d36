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
	// MaxSize is how many bytes of a cookie's name and value browsers keep (RFC
	// 6265, section 6.1).
	MaxSize = 4096
	// MaxAge is how old a cookie of the lab may be.
	MaxAge = 30 * 24 * time.Hour

	skew = 60 // seconds that a timestamp may lie in the future
)

// Check is one of the checks that a value must pass, in the order in which
// they are made.
type Check int

// The checks. Spelling is ours; all others are gorilla/securecookie's.
const (
	Length    Check = iota // at most MaxSize bytes
	Base64                 // base64url, and three parts in it
	Signature              // made with the key for this name, timestamp and payload
	Age                    // at most MaxAge, and not from the future
	Payload                // base64url over a JSON dictionary
	Spelling               // the one way to write these bytes
)

// Verdict is what the server says of a value.
type Verdict struct {
	Err    error // as the library says it; nil when the value is accepted
	Failed Check // the first check that it did not pass, when Err is not nil
}

// Lab signs and judges cookies with the lab's own keys. It is safe for use by
// many at once.
type Lab struct{ keys atomic.Pointer[keys] }

type keys struct {
	sign         [32]byte
	open, sealed *securecookie.SecureCookie // signed; signed and encrypted
}

// New returns a lab that signs with the key sign and encrypts with block.
func New(sign, block [32]byte) *Lab {
	l := &Lab{}
	l.SetKeys(sign, block)
	return l
}

// SetKeys makes the lab use these keys from now on, and no others.
func (l *Lab) SetKeys(sign, block [32]byte) {
	codec := func(block []byte) *securecookie.SecureCookie {
		return securecookie.New(sign[:], block).SetSerializer(serializer{}).
			MaxLength(MaxSize).MaxAge(int(MaxAge / time.Second)).MinAge(-skew)
	}
	l.keys.Store(&keys{sign, codec(nil), codec(block[:])})
}

// Key returns the key that signs: to be shown, for it opens nothing.
func (l *Lab) Key() []byte {
	key := l.keys.Load().sign
	return key[:]
}

// Size returns how many bytes of name and value the signed cookie will have.
func Size(name string, d Dictionary) int {
	b64 := base64.URLEncoding.EncodedLen
	return len(name) + b64(len("1234567890||")+b64(len(d.String()))+sha256.Size)
}

// Encode returns the dictionary signed, as gorilla/securecookie does it.
func (l *Lab) Encode(name string, d Dictionary) (string, error) {
	return encode(l.keys.Load().open, name, d)
}

// Seal returns the dictionary encrypted and signed.
func (l *Lab) Seal(name string, d Dictionary) (string, error) {
	return encode(l.keys.Load().sealed, name, d)
}

func encode(codec *securecookie.SecureCookie, name string, d Dictionary) (string, error) {
	value, err := codec.Encode(name, d)
	if err != nil {
		return "", fmt.Errorf("signing a cookie of the lab: %w", err)
	}
	return value, nil
}

// Sign returns the payload, whatever it is, signed under a date of one's
// choice: what everybody can do who knows the key.
func (l *Lab) Sign(name, payload string, at time.Time) string {
	text := strconv.FormatInt(at.Unix(), 10) + "|" + base64.URLEncoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, l.keys.Load().sign[:])
	mac.Write([]byte(name + "|" + text))
	return base64.URLEncoding.EncodeToString(append([]byte(text+"|"), mac.Sum(nil)...))
}

// Judge returns what the server says of a signed value.
func (l *Lab) Judge(name, value string) Verdict { return judge(l.keys.Load().open, name, value) }

// JudgeSealed returns what the server says of an encrypted value.
func (l *Lab) JudgeSealed(name, value string) Verdict {
	return judge(l.keys.Load().sealed, name, value)
}

func judge(codec *securecookie.SecureCookie, name, value string) Verdict {
	value = unwrap(value)
	err := codec.Decode(name, value, new(Dictionary))
	if err != nil {
		return Verdict{err, failed(value, err)}
	}
	// The last letter may have bits that spell nothing; securecookie lets them be.
	_, err = base64.URLEncoding.Strict().DecodeString(value)
	return Verdict{err, Spelling}
}

// failed returns the check that the library's error is of.
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

// serializer writes a dictionary as JSON, without securecookie's line break.
type serializer struct{}

func (serializer) Serialize(src any) ([]byte, error) {
	d, ok := src.(Dictionary)
	if !ok {
		return nil, errNoDictionary
	}
	return []byte(d.String()), nil
}

func (serializer) Deserialize(text []byte, dst any) (err error) {
	d, ok := dst.(*Dictionary)
	if !ok {
		return errNoDictionary
	}
	*d, err = ParseDictionary(text)
	return err
}
