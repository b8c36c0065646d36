package password

import (
	"crypto/sha256"
	_ "embed" // common.bin
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:generate go run gen.go

// table is the first prefixBytes of the SHA-256 of every common password, in
// ascending order. gen.go makes it.
//
//go:embed common.bin
var table string

const prefixBytes = 8

// maxPeriod: a password of at most so many characters, or that repeats them, is refused
// like a common one.
const maxPeriod = 4

// common returns ErrCommon if lower, a password in lower case, is a listed common
// password: as it is, repeated, or with digits and signs around it. It returns ErrFew if
// lower is only a few characters, and nil otherwise.
func common(lower string) error {
	switch {
	case slices.ContainsFunc(cores(lower), listed):
		return ErrCommon
	case utf8.RuneCountInString(period(lower)) <= maxPeriod:
		return ErrFew
	}
	return nil
}

// cores returns the words that the password may be made from: its repeated part,
// and what is left without the signs, or the signs and digits, at both ends.
func cores(lower string) []string {
	var all []string
	for _, whole := range []string{lower, period(lower)} {
		signless := strings.TrimFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		letters := strings.TrimFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) })
		all = append(all, whole, signless, letters, period(signless), period(letters))
	}
	return all
}

// period returns the shortest prefix of s whose repetition, cut to length, is s.
// That is s itself when nothing repeats.
func period(s string) string {
	for n := 1; n < len(s); n++ {
		if strings.HasPrefix(s, s[n:]) {
			return s[:n]
		}
	}
	return s
}

// listed reports whether word is in the table.
func listed(word string) bool {
	sum := sha256.Sum256([]byte(word))
	prefix := string(sum[:prefixBytes])
	_, found := sort.Find(len(table)/prefixBytes, func(i int) int {
		return strings.Compare(prefix, table[i*prefixBytes:(i+1)*prefixBytes])
	})
	return found
}
