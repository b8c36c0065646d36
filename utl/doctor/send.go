package doctor

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// response is the answer to an attack.
type response struct {
	status int
	signIn string // its Location without the query
	next   string // the Location's next parameter
	shown  string // headers and body, at most 64 KB of it
	fault  string // why there was no response
}

// newClient returns a client that sends headers and paths as they are spelled:
// HTTP/1.1, and a new connection each time, so that a server which closes the
// connection after one attack still gets the next.
func newClient() *http.Client {
	only := new(http.Protocols)
	only.SetHTTP1(true)
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial, Protocols: only, DisableKeepAlives: true, DisableCompression: true},
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dial connects as browsers do: localhost and every name below it mean this
// machine, without a DNS query (RFC 6761, section 6.3).
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	host, port, err := net.SplitHostPort(address)
	name := "." + strings.ToLower(strings.TrimSuffix(host, "."))
	if err != nil || !strings.HasSuffix(name, ".localhost") {
		return dialer.DialContext(ctx, network, address)
	}
	c, err := dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err == nil {
		return c, nil
	}
	if six, errSix := dialer.DialContext(ctx, network, net.JoinHostPort("::1", port)); errSix == nil {
		return six, nil
	}
	return nil, err
}

// send sends the attack. Headers that it does not set are a browser's that opens
// a page.
func (e *scan) send(ctx context.Context, a attack) response {
	r, err := http.NewRequestWithContext(ctx, a.verb(), e.root()+a.target(e.Page), strings.NewReader(a.body))
	if err != nil {
		return response{fault: printable(err.Error())}
	}
	r.Header = http.Header{"User-Agent": {"glassjar-doctor"}, "Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}}
	maps.Copy(r.Header, a.header)
	resp, err := e.client.Do(r)
	if err != nil {
		if whole, ok := errors.AsType[*url.Error](err); ok {
			err = whole.Err // without the URL, which the operator gave
		}
		return response{fault: printable(err.Error())}
	}
	defer resp.Body.Close()
	return read(resp)
}

func read(resp *http.Response) response {
	got := response{status: resp.StatusCode}
	if to, err := resp.Location(); err == nil {
		got.next = to.Query().Get("next")
		to.RawQuery = ""
		got.signIn = to.String()
	}
	var shown strings.Builder
	_ = resp.Header.Write(&shown) // writing to a Builder cannot fail
	if resp.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(&shown, io.LimitReader(resp.Body, 64<<10)) // on an error, the part that was read counts
	}
	got.shown = shown.String()
	return got
}
