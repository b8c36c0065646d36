package mailtest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"testing"
)

// Subject returns the mail's subject, decoded.
func (m Mail) Subject(tb testing.TB) string {
	tb.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Parts returns the mail's plain text and its HTML.
func (m Mail) Parts(tb testing.TB) (text, html string) {
	tb.Helper()
	whole, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		tb.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(whole.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		tb.Fatalf("the mail is %q, error %v", kind, err)
	}
	r, all := multipart.NewReader(whole.Body, params["boundary"]), map[string]string{}
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all["text/plain; charset=UTF-8"], all["text/html; charset=UTF-8"]
		}
		if err != nil {
			tb.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			tb.Fatalf("a part is %v, error %v", p.Header, err)
		}
		all[p.Header.Get("Content-Type")] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

var link = regexp.MustCompile(`(?m)^https?://[^/\s]+(/(?:join|reset|confirm|lock|signup)/[A-Z2-7]{26})$`)

// Link returns the path of the mail's link, or "".
func (m Mail) Link(tb testing.TB) string {
	tb.Helper()
	text, _ := m.Parts(tb)
	found := link.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}
