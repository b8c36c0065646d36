package gate

import (
	"net/http"
	"slices"
	"strings"
)

// ours are the header names that nothing may be mistaken for: those that tell
// the gate of the request, and those that tell an app who passes.
var ours = append([]string{
	"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Identity", "X-Real-Ip",
}, forwardHeaders...)

// isTwin reports whether the header's name is none of ours, but some program
// takes it for one: CGI, WSGI and PHP turn each - into _, and lighttpd each
// byte that is no letter and no digit. So letters and digits alone count here,
// in either case. Whatever begins with Remote- is ours too.
func isTwin(name string) bool {
	if !mayBeOurs(name) || slices.Contains(ours, name) {
		return false
	}
	return isAlike(name) || strings.ContainsFunc(name, isOdd) && isRemote(name)
}

// namesOurs reports whether the name, however it is spelled, is one of ours.
func namesOurs(name string) bool { return mayBeOurs(name) && (isAlike(name) || isRemote(name)) }

// mayBeOurs reports whether the name's first letter or digit is that of one of
// ours. It is quick: every header of every request is asked.
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
		if a[i]|0x20 != b[j]|0x20 { // lower case; a digit stays what it is
			return false
		}
		a, b = a[i+1:], b[j+1:]
	}
}

func isRemote(name string) bool { return strings.HasPrefix(canonicalName(name), "Remote-") }

// canonicalName returns the one spelling of what CGI, WSGI and PHP take for one name.
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

// isOdd reports whether no name of ours holds the character.
func isOdd(c rune) bool { return c != '-' && !isLetterOrDigit(c) }
