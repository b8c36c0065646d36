package gate

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Escape returns the return URL escaped as the value of a query parameter. It is
// url.QueryEscape, except for URLs that this would make longer than maxReturnURL: of them
// it escapes only characters with a meaning in a query. A percent-encoded non-ASCII byte
// then stays as it is, so that three bytes do not become five; ParseURL accepts that.
func Escape(back string) string {
	escaped := url.QueryEscape(back)
	if len(escaped) <= maxReturnURL {
		return escaped
	}
	var b strings.Builder
	for i := range len(back) {
		if c := back[i]; isFree(c) || c == '%' && isLetter(back[i:]) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	short := b.String()
	if text, err := url.QueryUnescape(short); err != nil || !utf8.ValidString(text) || asciiOnly(text) != back {
		return escaped
	}
	return short
}

// isFree reports whether the byte has no special meaning in a query's value, for every
// browser and for net/url (RFC 3986, section 3.4).
func isFree(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$()*,:@/?=", c) >= 0
}

// isLetter reports whether the text begins with a percent-encoded non-ASCII byte in upper
// case, as asciiOnly writes it.
func isLetter(text string) bool {
	return len(text) > 2 && strings.IndexByte("89ABCDEF", text[1]) >= 0 && strings.IndexByte("0123456789ABCDEF", text[2]) >= 0
}
