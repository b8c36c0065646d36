package lab

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"glassjar/utl/visible"
)

// maskedTarget returns the path and args of the request line, with secrets masked.
func maskedTarget(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return r.URL.EscapedPath()
	}
	return r.URL.EscapedPath() + "?" + maskedArgs(r.URL.RawQuery)
}

// maskedArgs returns urlencoded args or the body of a form with secrets masked. Bytes
// that a terminal or a shell could interpret are encoded.
func maskedArgs(raw string) string {
	var all []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if value != "" && !visible.Field(unescape(name)) {
			part = name + "=" + visible.Mask
		}
		all = append(all, part)
	}
	return encodeControls(strings.Join(all, "&"))
}

// encodeControls returns urlencoded text with its spaces and invisible characters
// encoded, and without invalid UTF-8.
func encodeControls(raw string) string {
	var b strings.Builder
	for _, c := range strings.ToValidUTF8(raw, "\uFFFD") {
		if c != ' ' && unicode.IsPrint(c) {
			b.WriteRune(c)
			continue
		}
		for _, one := range []byte(string(c)) {
			fmt.Fprintf(&b, "%%%02X", one)
		}
	}
	return b.String()
}

// unescape decodes percent signs, or returns the text unchanged if they are malformed.
func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// maskedHeader returns the header's value with secrets masked.
func maskedHeader(name, value string) string {
	if name == "Cookie" {
		var all []string
		for _, c := range cookiePairs(value) {
			all = append(all, c.Name+"="+c.Value)
		}
		return strings.Join(all, "; ")
	}
	if !visible.Header(name) {
		return visible.Mask
	}
	if before, args, found := strings.Cut(value, "?"); found && strings.Contains(args, "=") {
		return before + "?" + maskedArgs(args) // a URL, as in Referer
	}
	return value
}

// pair is a name with a value, decoded.
type pair struct{ Name, Value string }

// cookiePairs returns the cookies of a Cookie header, in order.
func cookiePairs(header string) []pair {
	var all []pair
	for part := range strings.SplitSeq(header, ";") {
		name, value, named := strings.Cut(strings.TrimSpace(part), "=")
		if !named {
			name, value = "", name // browsers send a cookie without a name as only its value
		}
		if name != "" || value != "" {
			all = append(all, newPair(name, value, visible.Cookie(name)))
		}
	}
	return all
}

// argPairs returns urlencoded names and values, in order, also repeated ones.
func argPairs(raw string) []pair {
	var all []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			name = unescape(name)
			all = append(all, newPair(name, unescape(value), visible.Field(name)))
		}
	}
	return all
}

// newPair returns the name with its value, or with a mask if shown is false.
func newPair(name, value string, shown bool) pair {
	if !shown && value != "" {
		value = visible.Mask
	}
	return pair{printable(name), printable(value)}
}

// quoteShell returns the text as one word for a POSIX shell.
func quoteShell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
