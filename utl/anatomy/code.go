package anatomy

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's default, which authenticator apps know
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode"
)

const (
	// CodeStep is the time step of a code (RFC 6238, section 4.1).
	CodeStep = 30 * time.Second
	// MaxTyped is the maximum length of a typed code in bytes, with spaces and dashes.
	MaxTyped = 256
)

// Code is the code of one time step, with every value it is computed from (RFC 4226,
// section 5.3; RFC 6238, section 4).
type Code struct {
	Step    int64    // time steps of 30 s since 1970
	Counter [8]byte  // Step as 8 bytes, big-endian: the input of the HMAC
	MAC     [20]byte // the HMAC-SHA-1 of Counter
	Offset  int      // the low 4 bits of MAC's last byte: where Number begins in MAC
	Number  uint32   // four bytes of MAC without the highest bit
	Digits  string   // the last six decimal digits of Number
}

// StepAt returns the time step at the time t.
func StepAt(t time.Time) int64 { return t.Unix() / int64(CodeStep/time.Second) }

// NewCode returns the secret's code of the time step.
func NewCode(secret []byte, step int64) Code {
	c := Code{Step: step}
	binary.BigEndian.PutUint64(c.Counter[:], uint64(step)) //nolint:gosec // RFC 6238 counts steps as unsigned 64-bit integers
	mac := hmac.New(sha1.New, secret)
	mac.Write(c.Counter[:])
	mac.Sum(c.MAC[:0])
	c.Offset = int(c.MAC[19] & 0xf)
	c.Number = binary.BigEndian.Uint32(c.MAC[c.Offset:]) & 0x7fffffff
	c.Digits = fmt.Sprintf("%06d", c.Number%1e6)
	return c
}

// CleanCode returns the typed code without spaces, dashes and invisible characters of any
// kind, and with full-width digits as ASCII digits. Text over MaxTyped becomes "".
func CleanCode(typed string) string {
	if len(typed) > MaxTyped {
		return ""
	}
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), unicode.In(c, unicode.Pd, unicode.Cf):
			return -1
		case '\uff10' <= c && c <= '\uff19': // full-width digits, as Japanese keyboards type them
			return c - '\uff10' + '0'
		}
		return c
	}, typed)
}

// IsDigits reports whether the cleaned code is six digits.
func IsDigits(code string) bool { return len(code) == 6 && strings.Trim(code, "0123456789") == "" }
