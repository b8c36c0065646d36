package process

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is a connection that speaks HTTP/2 frame by frame. Writes are buffered until send.
type frames struct {
	*http2.Framer

	over *tls.Conn
	to   *bufio.Writer
	host string
	next uint32 // stream of the next request
}

// speak connects to the server with the settings. Everything ends after the limit.
func speak(p *program, config *tls.Config, limit time.Duration, settings ...http2.Setting) (*frames, error) {
	over, err := shake(p, config)
	if err != nil {
		return nil, err
	}
	to := bufio.NewWriter(over)
	f := &frames{http2.NewFramer(to, over), over, to, "localhost:" + p.port, 1}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(to, http2.ClientPreface)
	return f, errors.Join(over.SetDeadline(time.Now().Add(limit)), err, f.WriteSettings(settings...))
}

// get requests / with these additional headers.
func (f *frames) get(more ...hpack.HeaderField) error {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	fields := []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: f.host}, {Name: ":path", Value: "/"}}
	for _, field := range append(fields, more...) {
		field.Sensitive = true // so that no block depends on an earlier one
		if err := encoder.WriteField(field); err != nil {
			return err
		}
	}
	const most = 16 << 10 // maximum frame size
	pieces := slices.Collect(slices.Chunk(block.Bytes(), most))
	err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: f.next, BlockFragment: pieces[0], EndStream: true, EndHeaders: len(pieces) == 1})
	for i, piece := range pieces[1:] {
		err = errors.Join(err, f.WriteContinuation(f.next, i == len(pieces)-2, piece))
	}
	f.next += 2
	return err
}

// status returns the status of the next response, or why the server closes the connection.
func (f *frames) status() (string, error) {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return "", err
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status"), nil
		case *http2.GoAwayFrame:
			return f.ErrCode.String(), nil
		}
	}
}

// Attack http/limits: over HTTP/2 too, headers over 64 KB are refused; over 256 KB, which
// no browser sends, the connection is closed.
func TestHTTP2Headers(t *testing.T) {
	t.Parallel()
	s := newTLS(t)
	p := start(t, t.TempDir(), s.settings...)
	for kilobytes, want := range map[int]string{60: "200", 70: "431", 250: "431", 300: "PROTOCOL_ERROR"} {
		f, err := speak(p, s.trusting("h2"), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(f.get(slices.Repeat([]hpack.HeaderField{{Name: "x-a", Value: strings.Repeat("a", 1000)}}, kilobytes)...), f.to.Flush())
		if got, err2 := f.status(); got != want {
			t.Errorf("%d KB: got %q, error %v; want %s", kilobytes, got, errors.Join(err, err2), want)
		}
		_ = f.over.Close()
	}
}

// most is the maximum memory of the server under these loads, in MB. It is generous: when
// idle the server uses about 40.
const most = 250

// Attack http/streams: 10,000 requests that are reset at once (CVE-2023-44487), and then
// 2,000 whose responses the client does not read. Other people get responses meanwhile,
// memory is limited, and slow clients are disconnected.
func TestHTTP2Floods(t *testing.T) {
	t.Parallel()
	s := newTLS(t)
	p := start(t, t.TempDir(), append(s.settings, "LOG_LEVEL=info")...)
	rest := p.resident()
	others := s.others(t, p)
	const resets = 10_000
	connections := 0
	for sent := 0; sent < resets; connections++ {
		if connections == resets {
			t.Fatal("the server closes every connection")
		}
		sent += s.reset(t, p, resets-sent)
	}
	answered, worst, held := others()
	t.Logf("%d requests reset on %d connections: %d pages answered meanwhile, the slowest after %v; %.0f MB at rest, %.0f MB at most", resets, connections, answered, worst.Round(time.Millisecond), rest, held)
	if answered == 0 || held > most {
		t.Errorf("it answered %d pages and held %.0f MB, want at most %d", answered, held, most)
	}
	others = s.others(t, p)
	var slow sync.WaitGroup
	for range 20 {
		slow.Go(func() { s.takeNothing(t, p) })
	}
	slow.Wait()
	answered, worst, held = others()
	t.Logf("2,000 answers that nobody took: %d pages answered meanwhile, the slowest after %v; %.0f MB at most", answered, worst.Round(time.Millisecond), held)
	if answered == 0 || held > most {
		t.Errorf("it answered %d pages and held %.0f MB, want at most %d", answered, held, most)
	}
	p.stop()
}

// others fetches pages, at most a hundred a second, until the returned function is
// called. That returns the number of responses, the longest time and the largest memory
// of the server. Every page must be answered.
func (s overTLS) others(t *testing.T, p *program) func() (answered int, worst time.Duration, held float64) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.trusting(), ForceAttemptHTTP2: true}, Timeout: 20 * time.Second}
	stop, ended := make(chan struct{}), make(chan struct{})
	answered, worst, held := 0, time.Duration(0), 0.0
	go func() {
		defer close(ended)
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-stop:
				return
			case <-pace.C:
			}
			began := time.Now()
			res, err := client.Get(p.url + "/")
			if err != nil {
				t.Errorf("somebody else is not answered: %v", err)
				return
			}
			_, err = io.Copy(io.Discard, res.Body)
			if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
				t.Errorf("somebody else: got %s, error %v", res.Status, err)
			}
			answered, worst, held = answered+1, max(worst, time.Since(began)), max(held, p.resident())
		}
	}()
	return func() (int, time.Duration, float64) {
		close(stop)
		<-ended
		client.CloseIdleConnections()
		return answered, worst, held
	}
}

// reset sends n requests on a connection, each reset at once, and returns how many it
// sent before the server closed the connection.
func (s overTLS) reset(t *testing.T, p *program, n int) (sent int) {
	t.Helper()
	f, err := speak(p, s.trusting("h2"), 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer f.over.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, f.over) // returns when it is closed
	}()
	for ; sent < n; sent++ {
		if f.get() != nil || f.WriteRSTStream(f.next-2, http2.ErrCodeCancel) != nil {
			break
		}
	}
	_ = f.to.Flush()
	_ = f.over.CloseWrite()
	<-read
	return sent
}

// takeNothing requests 100 pages without letting the server send them, and waits until
// each is cut off.
func (s overTLS) takeNothing(t *testing.T, p *program) {
	t.Helper()
	f, err := speak(p, s.trusting("h2"), 90*time.Second, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for range 100 {
		if err == nil {
			err = f.get()
		}
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer f.over.Close()
	if err := f.to.Flush(); err != nil {
		t.Error(err)
	}
	for begun, cut := 0, 0; cut < 100; {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Errorf("after %d answers that began and %d that were cut off: %v", begun, cut, err)
			return
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			begun++
		case *http2.RSTStreamFrame:
			cut++
		case *http2.DataFrame:
			t.Errorf("%d bytes came that nobody allowed", f.Length)
			return
		}
	}
}
