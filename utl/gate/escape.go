package gate

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Escape returns the return URL as the value of a query's arg. It is
// url.QueryEscape but for URLs that this makes too long to keep: of them only
// what has a meaning of its own there is escaped. An escaped letter that is no
// ASCII then stays as it is, and does not become five bytes of three: ParseURL
// encodes it again.
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

// isFree reports whether the byte stands for itself in a query's value, for
// every browser and for net/url (RFC 3986, section 3.4).
func isFree(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$()*,:@/?=", c) >= 0
}

// isLetter reports whether the text begins with an escaped byte that is no
// ASCII, in capitals, as asciiOnly writes it.
func isLetter(text string) bool {
	return len(text) > 2 && strings.IndexByte("89ABCDEF", text[1]) >= 0 && strings.IndexByte("0123456789ABCDEF", text[2]) >= 0
}
