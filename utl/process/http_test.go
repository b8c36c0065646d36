package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// conn is a connection on which raw bytes are sent.
type conn struct {
	t    testing.TB
	tcp  net.Conn
	read *bufio.Reader
	host string // the Host header for the server
}

func dial(t testing.TB, p *program) *conn {
	t.Helper()
	tcp, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+p.port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tcp.Close() })
	c := &conn{t, tcp, bufio.NewReader(tcp), p.host()}
	if err := tcp.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// host returns the Host header for the server.
func (p *program) host() string {
	_, name, _ := strings.Cut(p.url, "://")
	return "Host: " + name + "\r\n"
}

// send sends the bytes. An error is ignored: the server may respond and close the
// connection before the last of them.
func (c *conn) send(bytes string) {
	_, _ = io.WriteString(c.tcp, strings.ReplaceAll(bytes, here, c.host))
}

// answer reads one answer.
func (c *conn) answer() (answer, error) {
	res, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(body)}, err
}

const (
	host  = "Host: jar.example\r\n" // accepted only by the gate and for monitors
	here  = "Host: HERE\r\n"        // send replaces it with the server's own
	form  = "Content-Type: application/x-www-form-urlencoded\r\n"
	ended = "\r\n"
	post  = "POST /auth HTTP/1.1\r\n" + here + form
	alive = "GET /healthz HTTP/1.1\r\n" + host + ended
)

// sized is a POST of the body with Content-Length.
func sized(body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", post, len(body), body)
}

// exchanges are bytes to send on one connection, and the statuses of the responses.
var exchanges = []struct {
	name   string
	sent   string
	want   []int
	closed bool // whether the server closes the connection after them
}{
	{"TE with CL: one reading only, and no next request", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + alive, []int{422}, true},
	{"TE that nobody knows", post + "Transfer-Encoding: xchunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + alive, []int{501}, true},
	{"TE twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n1\r\na\r\n0\r\n\r\n" + alive, []int{501}, true},
	{"TE before a space", post + "Transfer-Encoding : chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + alive, []int{400}, true},
	{"a chunk's size that is none", post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n" + alive, []int{400}, true},
	{"two CLs that differ", post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\na=bcd" + alive, []int{400}, true},
	{"two CLs in one", post + "Content-Length: 4, 5\r\n\r\na=bcd" + alive, []int{400}, true},
	{"a CL with a sign", post + "Content-Length: +4\r\n\r\na=bc" + alive, []int{400}, true},
	{"a negative CL", post + "Content-Length: -4\r\n\r\na=bc" + alive, []int{400}, true},
	{"two Hosts", "GET / HTTP/1.1\r\n" + here + here + ended, []int{400}, true},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", []int{400}, true},
	{"a Host that is none", "GET / HTTP/1.1\r\nHost: jar example\r\n\r\n", []int{400}, true},
	{"NUL in a header", "GET / HTTP/1.1\r\n" + here + "X-A: a\x00b\r\n\r\n", []int{400}, true},
	{"NUL in a header's name", "GET / HTTP/1.1\r\n" + here + "X\x00A: ab\r\n\r\n", []int{400}, true},
	{"NUL in the path", "GET /\x00 HTTP/1.1\r\n" + here + ended, []int{400}, true},
	{"CR in a header", "GET / HTTP/1.1\r\n" + here + "X-A: a\rX-B: b\r\n\r\n", []int{400}, true},
	{"60 KB of one header", "GET / HTTP/1.1\r\n" + here + "X-A: " + strings.Repeat("a", 60<<10) + "\r\n\r\n", []int{200}, false},
	{"60 KB of many headers", "GET / HTTP/1.1\r\n" + here + strings.Repeat("X-A: a\r\n", 60<<10/8) + "\r\n", []int{200}, false},
	{"60 KB of path", "GET /" + strings.Repeat("a", 60<<10) + " HTTP/1.1\r\n" + here + ended, []int{404}, false},
	{"65 KB of one header", "GET / HTTP/1.1\r\n" + here + "X-A: " + strings.Repeat("a", 65<<10) + "\r\n\r\n", []int{431}, false},
	{"65 KB of many headers", "GET / HTTP/1.1\r\n" + here + strings.Repeat("X-A: a\r\n", 65<<10/8) + "\r\n", []int{431}, false},
	{"65 KB of path", "GET /" + strings.Repeat("a", 65<<10) + " HTTP/1.1\r\n" + here + ended, []int{431}, false},
	{"65 KB and a form", "POST /auth HTTP/1.1\r\n" + here + form + "Content-Length: 3\r\nCookie: a=echo" + strings.Repeat("a", 65<<10) + "\r\n\r\na=b", []int{431}, false},
	{"250 KB of cookies", "GET / HTTP/1.1\r\n" + here + "Cookie: a=echo" + strings.Repeat("a", 250<<10) + "\r\n\r\n", []int{431}, false},
	{"260 KB of one header", "GET / HTTP/1.1\r\n" + here + "X-A: " + strings.Repeat("a", 260<<10) + "\r\n\r\n", []int{431}, true},
	{"260 KB of many headers", "GET / HTTP/1.1\r\n" + here + strings.Repeat("X-A: a\r\n", 260<<10/8) + "\r\n", []int{431}, true},
	{"1 MB of path", "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\n" + here + ended, []int{431}, true},
	{"a body over the limit", sized("username=ada&password=" + strings.Repeat("b", 64<<10)), []int{413}, true},
	{"a chunked body over the limit", post + "Transfer-Encoding: chunked\r\n\r\n11000\r\n" + strings.Repeat("b", 0x11000) + "\r\n0\r\n\r\n", []int{413}, true},
	{"a body of 1 MB", sized(strings.Repeat("b", 1<<20)), []int{413}, true},
	{"10,001 fields", sized(strings.Repeat("a=b&", 10_000) + "a=b"), []int{400}, false},
	{"multipart", "POST /auth HTTP/1.1\r\n" + here + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n\r\n--x--", []int{415}, false},
	{"TRACE", "TRACE / HTTP/1.1\r\n" + here + "Cookie: glassjar=echo\r\n\r\n", []int{405}, false},
	{"CONNECT", "CONNECT jar.example:443 HTTP/1.1\r\nHost: jar.example:443\r\n\r\n", []int{405}, false},
	{"PROPFIND", "PROPFIND / HTTP/1.1\r\n" + here + ended, []int{405}, false},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + here + ended, []int{400}, true},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", []int{200}, true},
	{"HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", []int{200}, false},
	{"HTTP/0.9", "GET /\r\n\r\n", []int{400}, true},
	{"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400}, true},
	{"HTTP/9.9", "GET / HTTP/9.9\r\n" + here + ended, []int{505}, true},
	{"an upgrade to h2c", "GET / HTTP/1.1\r\n" + here + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", []int{200}, false},
	{"an expectation", post + "Content-Length: 3\r\nExpect: 200-ok\r\n\r\na=b", []int{417}, true},
	{"a request in a GET's body", "GET / HTTP/1.1\r\n" + here + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(alive)) + alive, []int{200}, false},
	{"pipelining", alive + "GET /nowhere HTTP/1.1\r\n" + here + ended + sized("a=b") + alive, []int{200, 404, 422, 200}, false},
	{"pipelining after a close", "GET / HTTP/1.1\r\n" + here + "Connection: close\r\n\r\n" + alive, []int{200}, true},
}

// Attack http/smuggling, http/limits: each response is the expected one, no byte is read
// twice, and no request affects another.
func TestRawHTTP(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for _, tt := range exchanges {
		c := dial(t, p)
		c.send(tt.sent)
		if !tt.closed { // unread bytes would appear before this
			c.send(alive)
		}
		for i, want := range tt.want {
			a, err := c.answer()
			if err != nil || a.status != want {
				t.Errorf("%s: answer %d: got %d, error %v; want %d", tt.name, i+1, a.status, err, want)
			}
			if strings.Contains(a.body, "echo") {
				t.Errorf("%s: the answer holds what was sent:\n%s", tt.name, a.body)
			}
		}
		a, err := c.answer()
		switch {
		case tt.closed && (err == nil || errors.Is(err, os.ErrDeadlineExceeded)):
			t.Errorf("%s: the connection goes on: %d %q, error %v", tt.name, a.status, a.body, err)
		case !tt.closed && (err != nil || a.body != "alive\n"):
			t.Errorf("%s: then got %q, error %v; want to go on", tt.name, a.body, err)
		}
		_ = c.tcp.Close()
	}
	newBrowser(p).get(t, "/", http.StatusOK)
	p.stop()
	if log := p.stderr.String(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says:\n%s", log)
	}
}
