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

// answer is what came back.
type answer struct {
	status int
	signIn string // where its Location leads, without the query
	next   string // where that comes back to
	shown  string // headers and body, 64 KB of it at most
	fault  string // why nothing came back
}

// newClient returns a client that sends headers and paths as they are spelled:
// HTTP/1.1, and a new connection each time, for a server that hangs up on an
// attack has answered that one only.
func newClient() *http.Client {
	only := new(http.Protocols)
	only.SetHTTP1(true)
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial, Protocols: only, DisableKeepAlives: true, DisableCompression: true},
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dial connects as browsers do: localhost and every name below it are this
// machine, whatever a name server says (RFC 6761, section 6.3).
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

// send sends the attack, as a browser that opens a page unless it says
// otherwise.
func (e *exam) send(ctx context.Context, a attack) answer {
	r, err := http.NewRequestWithContext(ctx, a.verb(), e.root()+a.asks(e.Page), strings.NewReader(a.body))
	if err != nil {
		return answer{fault: plain(err.Error())}
	}
	r.Header = http.Header{"User-Agent": {"glassjar-doctor"}, "Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}}
	maps.Copy(r.Header, a.header)
	resp, err := e.client.Do(r)
	if err != nil {
		if whole, ok := errors.AsType[*url.Error](err); ok {
			err = whole.Err // without the URL, which everybody knows
		}
		return answer{fault: plain(err.Error())}
	}
	defer resp.Body.Close()
	return read(resp)
}

func read(resp *http.Response) answer {
	got := answer{status: resp.StatusCode}
	if to, err := resp.Location(); err == nil {
		got.next = to.Query().Get("next")
		to.RawQuery = ""
		got.signIn = to.String()
	}
	var shown strings.Builder
	_ = resp.Header.Write(&shown) // a Builder takes everything
	if resp.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(&shown, io.LimitReader(resp.Body, 64<<10)) // what came is looked at
	}
	got.shown = shown.String()
	return got
}
