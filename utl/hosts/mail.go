package hosts

import "strings"

// IsMail reports whether the text is an email address in its simple form: an ASCII
// dot-atom (RFC 5322, section 3.2.3), an @ and a host name, at most 254 bytes. Without
// quotes, brackets and white space it means the same in a mail header, in SMTP and in
// HTML.
func IsMail(text string) bool {
	at := strings.LastIndexByte(text, '@')
	if at < 1 || at > 64 || len(text) > 254 || !IsName(text[at+1:]) { // RFC 5321, section 4.5.3.1
		return false
	}
	for part := range strings.SplitSeq(text[:at], ".") {
		if part == "" || strings.ContainsFunc(part, notAtom) {
			return false
		}
	}
	return true
}

// notAtom reports whether the character may not occur in an atom (RFC 5322, section
// 3.2.3).
func notAtom(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", c)
}
