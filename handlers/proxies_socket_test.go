package handlers_test

import (
	"io"
	"net/http"
	"strings"
)

// upgrade asks for a WebSocket (RFC 6455, section 1.2).
var upgrade = []string{
	"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Accept", "text/html",
}

func (c check) passesSockets() {
	b := c.in(c.t)
	res, err := b.Do(b.Request(http.MethodGet, "/", "", upgrade...))
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	socket, ok := res.Body.(io.ReadWriter)
	if !ok {
		c.t.Fatalf("got %s", res.Status)
	}
	said := make([]byte, 4)
	_, err = io.WriteString(socket, "ping")
	if err == nil {
		_, err = io.ReadFull(socket, said)
	}
	if err != nil || string(said) != "ping" {
		c.t.Errorf("it says %q, %v", said, err)
	}
}

// The proxy does not see requests of another protocol on the same connection, such as
// HTTP/2 with a forged Remote-User, so it must allow only WebSockets.
func (c check) switchesToSocketsAlone() {
	b := c.in(c.t)
	for _, to := range [][]string{
		{"websocket"},
		{"h2c"},
		{"websocket2"},
		{"xwebsocket"},
		{"h2c, websocket"},
		{"websocket, h2c"},
		{"h2c", "websocket"},
		{"websocket", "h2c"},
		{"", "h2c"},
	} {
		r := b.Request(http.MethodGet, "/", "", append(upgrade, "Connection", "Upgrade, HTTP2-Settings", "Http2-Settings", "AAMAAABk")...)
		r.Header["Upgrade"] = to
		res, err := b.Do(r)
		if err != nil {
			c.t.Fatal(err)
		}
		_ = res.Body.Close()
		got, heard := res.Header.Get("Upgrade"), res.Header.Get("Heard")
		socket := res.StatusCode == http.StatusSwitchingProtocols && got == "websocket" && strings.EqualFold(heard, "upgrade")
		if !socket && res.StatusCode != http.StatusOK {
			c.t.Errorf("%q: got %s, to %q; the app saw Connection: %s", to, res.Status, got, heard)
		}
	}
}
