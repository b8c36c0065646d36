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
	signIn string // its Location without the query
	next   string // the Location's next parameter
	shown  string // headers and body, at most 64 KB of it
	reason string // why there was no response
}

// Bounds of each request: with what is sent for it, a response costs no more memory.
const (
	patience  = 10 * time.Second
	maxHeader = 64 << 10
	maxBody   = 64 << 10
)

// newClient returns a client that sends headers and paths as they are spelled:
// HTTP/1.1, and a new connection each time, so that a server which closes the
// connection after one attack still gets the next. It asks no proxy of this
// machine's settings and follows no redirect: it reaches the page's host alone.
func newClient() *http.Client {
	only := new(http.Protocols)
	only.SetHTTP1(true)
	host := &pinned{lookup: lookup}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: host.dial, Protocols: only, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
		},
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send sends the attack. Headers that it does not set are a browser's that opens
// a page.
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
		_, _ = io.Copy(&shown, io.LimitReader(resp.Body, maxBody)) // on an error, the part that was read counts
	}
	got.shown = shown.String()
	return got
}
