package password

import (
	"crypto/sha256"
	_ "embed" // common.bin
	"sort"
	"strings"
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

// common reports whether lower, a password in lower case, or what it repeats
// is among the first that people try.
func common(lower string) bool {
	u := unit(lower)
	return utf8.RuneCountInString(u) <= trivial || listed(u) || listed(lower)
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
