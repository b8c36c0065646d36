package gate

import (
	"net/http"
	"slices"
	"strings"
)

// ours are the names of headers for which no other header may be mistaken: those that
// describe the request to the gate, and those that describe the person to an app.
var ours = append([]string{
	"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Identity", "X-Real-Ip",
}, forwardHeaders...)

// isTwin reports whether the name is not one of ours, but some program reads it as one:
// CGI, WSGI and PHP turn each - into _, and lighttpd turns every byte that is not a
// letter or digit into _. So only letters and digits are compared, in upper or lower
// case. Every name that begins with Remote- counts as ours.
func isTwin(name string) bool {
	if !mayBeOurs(name) || slices.Contains(ours, name) {
		return false
	}
	return isAlike(name) || strings.ContainsFunc(name, isOdd) && isRemote(name)
}

// isOurs reports whether the name, in any spelling, is that of a header that the gate
// reads or sets.
func isOurs(name string) bool { return mayBeOurs(name) && (isAlike(name) || isRemote(name)) }

// mayBeOurs reports whether the name's first letter or digit is that of one of ours. It
// is a quick check, because every header of every request is checked.
func mayBeOurs(name string) bool {
	i := strings.IndexFunc(name, isLetterOrDigit)
	return i >= 0 && strings.IndexByte("RrXx", name[i]) >= 0
}

func isAlike(name string) bool {
	for _, one := range ours {
		if alike(name, one) {
			return true
		}
	}
	return false
}

// alike reports whether the two names have the same letters and digits.
func alike(a, b string) bool {
	for {
		i, j := strings.IndexFunc(a, isLetterOrDigit), strings.IndexFunc(b, isLetterOrDigit)
		if i < 0 || j < 0 {
			return i == j
		}
		if a[i]|0x20 != b[j]|0x20 { // lower case; digits do not change
			return false
		}
		a, b = a[i+1:], b[j+1:]
	}
}

func isRemote(name string) bool { return strings.HasPrefix(canonicalName(name), "Remote-") }

// canonicalName returns the canonical spelling of names that CGI, WSGI and PHP read as
// the same.
func canonicalName(name string) string {
	return http.CanonicalHeaderKey(strings.Map(func(c rune) rune {
		if isLetterOrDigit(c) {
			return c
		}
		return '-'
	}, name))
}

func isLetterOrDigit(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isOdd reports whether no name of a header that the gate reads or sets contains the
// character.
func isOdd(c rune) bool { return c != '-' && !isLetterOrDigit(c) }
