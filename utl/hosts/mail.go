package hosts

import "strings"

// IsMail reports whether the text is an email address of the plain form: letters,
// digits and some signs, an @ and a host's name. It has no quotes, no brackets
// and no white space, so it means the same in a mail's header, in SMTP and on a
// page. All is ASCII.
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

// notAtom reports whether the character is none of an atom (RFC 5322, section
// 3.2.3).
func notAtom(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", c)
}
