package password

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

const (
	// MinLength is the fewest characters of a password: Unicode code points,
	// once it is mapped by OpaqueString (NIST SP 800-63B-4, section 3.1.1.2).
	MinLength = 15
	// MaxBytes is the most bytes of a password, as it was sent.
	MaxBytes = 1024
)

// minName is the fewest characters of a username, a host name or a part of one
// that is looked for in passwords: shorter ones are in too many words.
const minName = 4

// product is what attackers try first where this program runs.
const product = "glassjar"

var (
	// ErrLong says that the password is longer than MaxBytes.
	ErrLong = errors.New("password too long")
	// ErrNotUTF8 says that the password is not valid UTF-8.
	ErrNotUTF8 = errors.New("password not valid UTF-8")
	// ErrCharacters says that the password holds a character that PRECIS
	// refuses: a control character, an unassigned one, a stray joiner.
	ErrCharacters = errors.New("password holds a refused character")
	// ErrShort says that the password is shorter than MinLength.
	ErrShort = errors.New("password too short")
	// ErrCommon says that the password is among the first that people try, or
	// is one of those with digits and signs before or after it.
	ErrCommon = errors.New("password too common")
	// ErrHasName says that the password holds the username.
	ErrHasName = errors.New("password holds the username")
	// ErrHasSite says that the password holds the name of the site.
	ErrHasSite = errors.New("password holds the name of the site")
)

// Check returns nil when pw may be set as the password of username, which is
// in its stored form, at the site with the host name; either may be empty. Else
// it returns one of ErrLong, ErrNotUTF8, ErrCharacters, ErrShort, ErrCommon,
// ErrHasName and ErrHasSite, the first that applies in this order.
func Check(pw, username, host string) error {
	pw, err := form(pw)
	if err != nil {
		return err
	}
	short := utf8.RuneCountInString(pw) < MinLength
	pw = strings.ToLower(pw)
	switch {
	case short:
		return ErrShort
	case common(pw):
		return ErrCommon
	case holds(pw, username):
		return ErrHasName
	case strings.Contains(pw, product), hasHost(pw, strings.ToLower(host)):
		return ErrHasSite
	}
	return nil
}

// holds reports whether the password, in lower case, holds the name.
func holds(lower, name string) bool {
	return utf8.RuneCountInString(name) >= minName && strings.Contains(lower, strings.ToLower(name))
}

// hasHost reports whether the password holds the host name, or is one of the
// host name's parts with digits and signs around it. The parts are not looked
// for inside words: "author" holds the "auth" of auth.example.
func hasHost(lower, host string) bool {
	if holds(lower, host) {
		return true
	}
	parts := strings.Split(host, ".")
	return slices.ContainsFunc(cores(lower), func(core string) bool {
		return utf8.RuneCountInString(core) >= minName && slices.Contains(parts, core)
	})
}

// form returns pw as it is hashed: mapped by OpaqueString (RFC 8265, section
// 4.2), so that one password typed on two keyboards is one. The length comes
// first: what is too long costs nothing.
func form(pw string) (string, error) {
	switch {
	case len(pw) > MaxBytes:
		return "", ErrLong
	case !utf8.ValidString(pw):
		return "", ErrNotUTF8
	case pw == "": // OpaqueString would refuse it too, for another reason
		return "", ErrShort
	}
	mapped, err := precis.OpaqueString.String(pw)
	if err != nil {
		return "", ErrCharacters
	}
	return mapped, nil
}
