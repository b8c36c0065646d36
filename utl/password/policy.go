package password

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// MinBytes and MaxBytes bound a password's length as it was sent.
const (
	MinBytes = 15
	MaxBytes = 1024
)

// minName is the length in characters from which a username is looked for.
const minName = 4

var (
	// ErrLong says that the password is longer than MaxBytes.
	ErrLong = errors.New("password too long")
	// ErrNotUTF8 says that the password is not valid UTF-8.
	ErrNotUTF8 = errors.New("password not valid UTF-8")
	// ErrCharacters says that the password holds a character that PRECIS
	// refuses: a control character, an unassigned one, a stray joiner.
	ErrCharacters = errors.New("password holds a refused character")
	// ErrShort says that the password is shorter than MinBytes.
	ErrShort = errors.New("password too short")
	// ErrCommon says that the password is among the first that people try.
	ErrCommon = errors.New("password too common")
	// ErrHasName says that the password holds the username.
	ErrHasName = errors.New("password holds the username")
)

// Check returns nil when pw may be set as the password of username, which is
// in its stored form; else one of ErrLong, ErrNotUTF8, ErrCharacters, ErrShort,
// ErrCommon and ErrHasName, the first that applies in this order.
func Check(pw, username string) error {
	sent := len(pw)
	pw, err := form(pw)
	if err != nil {
		return err
	}
	pw, username = strings.ToLower(pw), strings.ToLower(username)
	switch {
	case sent < MinBytes:
		return ErrShort
	case common(pw):
		return ErrCommon
	case utf8.RuneCountInString(username) >= minName && strings.Contains(pw, username):
		return ErrHasName
	}
	return nil
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
