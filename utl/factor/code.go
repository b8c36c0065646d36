package factor

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	step        = 30 // seconds that a code lasts (RFC 6238, X)
	secretBytes = 20 // 160 bits (RFC 4226, section 4, R6)
	longest     = 256
)

// typed is what somebody typed where a code is asked for: one of the two.
type typed struct {
	digits   string // six
	recovery string // 24 characters of the alphabet
}

// parse returns what was typed, without spaces and dashes of any kind, in the
// spelling that is compared. Errors: ErrForm.
func parse(text string) (typed, error) {
	if len(text) > longest {
		return typed{}, ErrForm
	}
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), unicode.In(c, unicode.Pd, unicode.Cf):
			return -1
		case '\uff10' <= c && c <= '\uff19': // the digits of Japanese keyboards
			return c - '\uff10' + '0'
		}
		return c
	}, text)
	if len(text) == 6 && strings.Trim(text, "0123456789") == "" {
		return typed{digits: text}, nil
	}
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	if len(text) == recoveryChars && strings.Trim(text, alphabet) == "" {
		return typed{recovery: text}, nil
	}
	return typed{}, ErrForm
}

// codeAt returns the secret's code in the step (RFC 6238: SHA-1, six digits).
// Errors: ErrBroken for a secret of another length: of an empty one the library
// makes codes that everybody can.
func codeAt(secret []byte, at int64) (string, error) {
	if len(secret) != secretBytes {
		return "", ErrBroken
	}
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.EncodeToString(secret), uint64(at), // #nosec G115 -- not before 1970
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", fmt.Errorf("making a code: %w", err)
	}
	return code, nil
}

// match returns the step, one before now, now or one after, whose code was typed and
// that follows the last one that was used. Errors: ErrWrong, ErrUsed, ErrBroken.
func match(secret []byte, digits string, now time.Time, last int64) (int64, error) {
	found, fault := int64(0), ErrWrong
	at := now.Unix() / step
	for s := at - 1; s <= at+1; s++ {
		code, err := codeAt(secret, s)
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(digits)) == 0 {
			continue
		}
		if s > last {
			found, fault = s, nil
		} else if fault != nil {
			fault = ErrUsed
		}
	}
	return found, fault
}

// Secret is what an authenticator app makes its codes from.
type Secret [secretBytes]byte

// Text returns the secret in base32, as people type it.
func (s Secret) Text() string { return base32.StdEncoding.EncodeToString(s[:]) }

// String keeps logs from showing the secret.
func (Secret) String() string { return "a secret" }

// URI returns the otpauth: address that gives the secret to an authenticator app. An
// app shows the site's name, then the username.
func (s *Store) URI(secret Secret, username string) string {
	site := strings.ReplaceAll(s.SiteName, ":", " ") // it would part the name from the username
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return "otpauth://totp/" + escape(site) + ":" + escape(username) + "?secret=" + secret.Text() + "&issuer=" + escape(site) +
		"&algorithm=SHA1&digits=6&period=30"
}
