package forward

import "strings"

// appCookies returns the request's cookies without glassjar's own, or "" if there are none.
func appCookies(lines []string) string {
	var others []string
	for _, line := range lines {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.Trim(cookie, " \t"); cookie != "" && !isOurs(cookie) {
				others = append(others, cookie)
			}
		}
	}
	return strings.Join(others, "; ")
}

// isOurs reports whether the cookie is glassjar's, or has a name that could be.
func isOurs(cookie string) bool {
	name := strings.TrimPrefix(strings.TrimPrefix(cookie, "__Host-"), "__Secure-")
	return strings.HasPrefix(name, "glassjar")
}
