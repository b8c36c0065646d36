package doctor_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"glassjar/utl/doctor"
)

const (
	uri    = "/app/page?a=%2f&b"
	signIn = "https://jar.example/"
)

// request is a request as it reached the proxy, parsed and as raw bytes.
type request struct {
	*http.Request

	raw string
}

// has reports whether the raw request contains the text.
func (q request) has(text string) bool { return strings.Contains(q.raw, text) }

// flaw returns the response of a bad site, or "" to respond as a good site.
type flaw func(q request) string

// serve starts a proxy with a gate and an app behind it, in one server, which refuses
// strangers except for the flaw. It returns the page.
func serve(t *testing.T, bad flaw) doctor.Page {
	t.Helper()
	return page(t, "http://"+accepts(t, "127.0.0.1:0", func(c net.Conn) { answer(c, bad) })+uri)
}

// accepts listens on the address, calls do with each connection, and returns the address.
func accepts(t *testing.T, address string, do func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go do(c)
		}
	}()
	return ln.Addr().String()
}

func page(t *testing.T, address string) (p doctor.Page) {
	t.Helper()
	if err := p.UnmarshalText([]byte(address)); err != nil {
		t.Fatal(err)
	}
	return p
}

func answer(c net.Conn, bad flaw) {
	defer c.Close()
	var raw bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &raw)))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	q := request{r, raw.String()}
	text := bad(q)
	if text == "" {
		text = refuse(q, "http://"+r.Host+r.RequestURI)
	}
	_, _ = io.WriteString(c, text)
	if strings.HasPrefix(text, "HTTP/1.1 101") {
		_, _ = io.Copy(io.Discard, c) // the connection stays open until the client closes it
	}
}

func noFlaw(request) string { return "" }

// refuse is a good proxy's response to a stranger, if the gate was asked about the target.
func refuse(q request, target string) string {
	status := http.StatusFound
	switch {
	case q.Header.Get("Sec-Fetch-Mode") != "navigate":
		status = http.StatusUnauthorized
	case q.Method != http.MethodGet && q.Method != http.MethodHead:
		status, target = http.StatusSeeOther, "http://"+q.Host+"/"
	}
	return redirect(status, signIn, target)
}

// redirect responds with a redirect to a sign-in page, which leads back to the target.
func redirect(status int, to, target string) string {
	return respond(status, "Location: "+to+"?next="+url.QueryEscape(target)+"\r\n", "")
}

func respond(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d -\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
}

// passes lets every request through that contains the text.
func passes(text string) flaw {
	return func(q request) string {
		if !q.has(text) {
			return ""
		}
		return respond(http.StatusOK, "", "")
	}
}

// examine returns the findings about the page.
func examine(t *testing.T, p doctor.Page, appPassword string) (found []doctor.Finding, err error) {
	t.Helper()
	err = doctor.Examine(t.Context(), p, doctor.Credential{AppPassword: appPassword}, func(f doctor.Finding) { found = append(found, f) })
	return found, err
}
