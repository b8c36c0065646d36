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

// table holds the first prefixBytes of the SHA-256 of every common password, in
// ascending order; gen.go says where they come from.
//
//go:embed common.bin
var table string

const prefixBytes = 8

// trivial is the most characters that, alone or repeated, are always common.
const trivial = 4

// common reports whether lower, a password in lower case, is among the first
// that people try: as it is, repeated, or with digits and signs around it.
func common(lower string) bool {
	if utf8.RuneCountInString(unit(lower)) <= trivial {
		return true
	}
	return slices.ContainsFunc(cores(lower), listed)
}

// cores returns what may be the word that the password is made of: what it
// repeats, and what is left without the signs, or the signs and digits, at its
// beginning and end.
func cores(lower string) []string {
	var all []string
	for _, whole := range []string{lower, unit(lower)} {
		signless := strings.TrimFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		letters := strings.TrimFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) })
		all = append(all, whole, signless, letters, unit(signless), unit(letters))
	}
	return all
}

// unit returns the shortest beginning of s that makes s when it is repeated and
// cut to length: s itself when nothing repeats.
func unit(s string) string {
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
