package doctor

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// response is the answer to an attack.
type response struct {
	status int
	signIn string // the Location header without the query
	next   string // the parameter next of the Location header
	shown  string // headers and body, at most 64 KB of the body
	reason string // why there was no response
}

// Limits of each request, so that it takes limited time and memory.
const (
	timeout   = 10 * time.Second
	maxHeader = 64 << 10
	maxBody   = 64 << 10
)

// newClient returns a client that sends headers and paths exactly as they are spelled. It
// uses HTTP/1.1 and a new connection for each request, because a server may close the
// connection after an attack. It follows no redirect and uses no proxy of the environment:
// it connects to the page's host only.
func newClient() *http.Client {
	only := new(http.Protocols)
	only.SetHTTP1(true)
	host := &pinned{lookup: lookup}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: host.dial, Protocols: only, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
		},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send sends the attack, with a browser's headers where the attack sets none.
func (e *scan) send(ctx context.Context, a attack) response {
	r, err := http.NewRequestWithContext(ctx, a.verb(), e.root()+a.target(e.Page), strings.NewReader(a.body))
	if err != nil {
		return response{reason: printable(err.Error())}
	}
	r.Header = http.Header{"User-Agent": {"glassjar-doctor"}, "Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}}
	maps.Copy(r.Header, a.header)
	resp, err := e.client.Do(r)
	if err != nil {
		return response{reason: printable(faultOf(err))}
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
		_, _ = io.Copy(&shown, io.LimitReader(resp.Body, maxBody)) // an error does not matter: what was read counts
	}
	got.shown = shown.String()
	return got
}
