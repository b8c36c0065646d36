package process

import (
	"net/http"
	"testing"
)

// Attack browser/host: without PUBLIC_URL, the server accepts loopback names with its
// port as Host. A web page whose name resolves to this machine has another Host.
func TestHost(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	c := dial(t, p)
	for _, row := range []struct {
		path, host string
		want       int
	}{
		{"/", "localhost:" + p.port, http.StatusOK},
		{"/", "127.0.0.1:" + p.port, http.StatusOK},
		{"/", "[::1]:" + p.port, http.StatusOK},
		{"/", "evil.example:" + p.port, http.StatusMisdirectedRequest},
		{"/", "evil.example", http.StatusMisdirectedRequest},
		{"/", "localhost", http.StatusMisdirectedRequest},
		{"/", "localhost:1", http.StatusMisdirectedRequest},
		{"http://evil.example/", "localhost:" + p.port, http.StatusMisdirectedRequest},
		{"/healthz", "10.0.0.1", http.StatusOK},
		{"/readyz", "", http.StatusOK},
	} {
		c.send("GET " + row.path + " HTTP/1.1\r\nHost: " + row.host + "\r\n\r\n")
		if a, err := c.answer(); err != nil || a.status != row.want {
			t.Errorf("%s at Host %q: got %d, error %v; want %d", row.path, row.host, a.status, err, row.want)
		}
	}
}
