package factor

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"glassjar/utl/anatomy"
)

const (
	step        = 30 // seconds: the time step X of RFC 6238, section 4.1
	secretBytes = 20 // 160 bits (RFC 4226, section 4, R6)
)

// typed is a parsed code. One of the fields is set.
type typed struct {
	digits   string // six digits
	recovery string // 24 characters of the alphabet
}

// parse cleans the code, as the lab shows it, and normalizes the spelling. Errors: ErrForm.
func parse(text string) (typed, error) {
	text = anatomy.CleanCode(text)
	if anatomy.IsDigits(text) {
		return typed{digits: text}, nil
	}
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	if len(text) == recoveryChars && strings.Trim(text, alphabet) == "" {
		return typed{recovery: text}, nil
	}
	return typed{}, ErrForm
}

// codeAt returns the secret's TOTP code of the time step: RFC 6238 with SHA-1 and six
// digits. Errors: ErrBroken for a secret of another length. The library would compute a
// code for an empty secret too, which anybody could compute.
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

// match returns the time step whose code was typed: the current one, the one before or
// the one after it, if it is later than the step last, which was used. Errors: ErrWrong,
// ErrUsed, ErrBroken.
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

// Secret is the key from which an authenticator app computes its codes.
type Secret [secretBytes]byte

// Text returns the secret in base32, as people type it.
func (s Secret) Text() string { return base32.StdEncoding.EncodeToString(s[:]) }

// String hides the secret from logs and error messages.
func (Secret) String() string { return "a secret" }

// URI returns the otpauth: URI, in the Key URI Format that authenticator apps read,
// with the secret, the site's name and the username.
func (s *Store) URI(secret Secret, username string) string {
	site := strings.ReplaceAll(s.SiteName, ":", " ") // a colon separates the issuer from the username
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return "otpauth://totp/" + escape(site) + ":" + escape(username) + "?secret=" + secret.Text() + "&issuer=" + escape(site) +
		"&algorithm=SHA1&digits=6&period=30"
}
