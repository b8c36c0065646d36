package password

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

const (
	// MinLength is the minimum length of a password in Unicode code points, after
	// mapping by OpaqueString (NIST SP 800-63B-4, section 3.1.1.2).
	MinLength = 15
	// MaxBytes is the maximum length of a password as sent, in bytes.
	MaxBytes = 1024
)

// minName is the minimum length of a username, a host name or a part of one that
// a password may not contain: too many words contain shorter ones.
const minName = 4

// product is the program's name, which attackers try first.
const product = "glassjar"

var (
	// ErrLong says that the password is longer than MaxBytes.
	ErrLong = errors.New("password too long")
	// ErrNotUTF8 says that the password is not valid UTF-8.
	ErrNotUTF8 = errors.New("password not valid UTF-8")
	// ErrCharacters says that the password contains a character that PRECIS
	// rejects: a control character, an unassigned one, a stray joiner.
	ErrCharacters = errors.New("password contains a character that is not allowed")
	// ErrShort says that the password is shorter than MinLength.
	ErrShort = errors.New("password too short")
	// ErrCommon says that the password is a common one, perhaps repeated or with
	// digits and signs around it.
	ErrCommon = errors.New("password too common")
	// ErrFew says that the password is at most four characters, once or again and
	// again. It is an ErrCommon too.
	ErrFew = fmt.Errorf("%w: a few characters, again and again", ErrCommon)
	// ErrHasName says that the password contains the username.
	ErrHasName = errors.New("password contains the username")
	// ErrHasSite says that the password contains the site's name.
	ErrHasSite = errors.New("password contains the site's name")
)

// Check returns nil when pw may be set as the password of username, given in its
// stored form, at the site on host; either may be empty. Otherwise it returns
// the first of these that applies: ErrLong, ErrNotUTF8, ErrCharacters, ErrShort,
// ErrCommon, ErrFew, ErrHasName, ErrHasSite.
func Check(pw, username, host string) error {
	pw, err := normalize(pw)
	if err != nil {
		return err
	}
	short := utf8.RuneCountInString(pw) < MinLength
	if short {
		return ErrShort
	}
	pw = strings.ToLower(pw)
	if err := common(pw); err != nil {
		return err
	}
	switch {
	case contains(pw, username):
		return ErrHasName
	case strings.Contains(pw, product), hasHost(pw, strings.ToLower(host)):
		return ErrHasSite
	}
	return nil
}

// Common returns ErrCommon or ErrFew if Check would, were pw long enough, and nil
// otherwise. What cannot be a password at all is not common.
func Common(pw string) error {
	pw, err := normalize(pw)
	if err != nil {
		return nil //nolint:nilerr // the caller learns that from Check or from hashing it
	}
	return common(strings.ToLower(pw))
}

// Length returns the number of characters of pw, as Check counts them. Errors: ErrLong,
// ErrNotUTF8, ErrCharacters; ErrShort if there is none.
func Length(pw string) (int, error) {
	pw, err := normalize(pw)
	return utf8.RuneCountInString(pw), err
}

// contains reports whether the lower-case password contains the name.
func contains(lower, name string) bool {
	return utf8.RuneCountInString(name) >= minName && strings.Contains(lower, strings.ToLower(name))
}

// hasHost reports whether the password contains the host name, or is one of the
// host name's parts with digits and signs around it. Parts inside words are
// allowed: "author" contains the "auth" of auth.example.
func hasHost(lower, host string) bool {
	if contains(lower, host) {
		return true
	}
	parts := strings.Split(host, ".")
	return slices.ContainsFunc(cores(lower), func(core string) bool {
		return utf8.RuneCountInString(core) >= minName && slices.Contains(parts, core)
	})
}

// normalize returns pw mapped by OpaqueString (RFC 8265, section 4.2), as it is
// hashed, so that a password typed on different keyboards is the same. The length
// is checked first: a password that is too long costs no work.
func normalize(pw string) (string, error) {
	switch {
	case len(pw) > MaxBytes:
		return "", ErrLong
	case !utf8.ValidString(pw):
		return "", ErrNotUTF8
	case pw == "": // OpaqueString would reject it with another error
		return "", ErrShort
	}
	mapped, err := precis.OpaqueString.String(pw)
	if err != nil {
		return "", ErrCharacters
	}
	return mapped, nil
}
