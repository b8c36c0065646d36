package process

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/tlscert/certtest"
)

// overTLS is the certificate with which the server uses https itself.
type overTLS struct {
	cert, key string // files
	first     *x509.Certificate
	settings  []string
}

func newTLS(t *testing.T) overTLS {
	t.Helper()
	folder := t.TempDir()
	s := overTLS{cert: filepath.Join(folder, "cert.pem"), key: filepath.Join(folder, "key.pem")}
	s.first = certtest.Write(t, s.cert, s.key)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // closed at the end, so that the port is free for the server
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	s.settings = []string{"ADDR=127.0.0.1:" + port, "PUBLIC_URL=https://localhost:" + port, "TLS_CERT=" + s.cert, "TLS_KEY=" + s.key}
	return s
}

// trusting returns a client's TLS configuration that trusts the first certificate.
func (s overTLS) trusting(protocols ...string) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.first)
	return &tls.Config{ServerName: "localhost", RootCAs: roots, NextProtos: protocols}
}

// shake makes a TLS handshake with the server, within 5 s.
func shake(p *program, config *tls.Config) (*tls.Conn, error) {
	return tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", "127.0.0.1:"+p.port, config)
}

// With a certificate the server speaks only https, with TLS 1.2 or newer, as HTTP/2 and
// HTTP/1.1.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := newTLS(t)
	p := start(t, t.TempDir(), s.settings...)
	for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12, tls.VersionTLS11} {
		asked := s.trusting("h2", "http/1.1")
		asked.MinVersion, asked.MaxVersion = tls.VersionTLS10, version
		c, err := shake(p, asked)
		if (err == nil) != (version >= tls.VersionTLS12) {
			t.Errorf("%s: got error %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
	for major, protocol := range map[int]string{1: "http/1.1", 2: "h2"} {
		s.answersIn(t, p, major, protocol)
	}
	c := dial(t, p)
	c.send(alive)
	if a, err := c.answer(); err != nil || a.status != http.StatusBadRequest {
		t.Errorf("plain http: got %d, error %v; want 400", a.status, err)
	}
	p.stop()
}

// tlsRequests use different parts of the server; each has the response's status by
// protocol, and kind is its Content-Type.
var tlsRequests = []struct {
	method, path, kind, body string
	want                     int
}{
	{http.MethodGet, "/healthz", "", "", 200},
	{http.MethodGet, "/account", "", "", 303},
	{"TRACE", "/", "", "", 405},
	{"PROPFIND", "/", "", "", 405},
	{http.MethodPost, "/auth", "multipart/form-data; boundary=x", "--x--", 415},
	{http.MethodPost, "/auth", "application/x-www-form-urlencoded", "username=" + strings.Repeat("b", 64<<10), 413},
	{http.MethodPost, "/auth", "application/x-www-form-urlencoded", strings.Repeat("a=b&", 10_000) + "a=b", 400},
}

// answersIn fails the test unless the server answers tlsRequests in the protocol with
// this major version.
func (s overTLS) answersIn(t *testing.T, p *program, major int, protocol string) {
	t.Helper()
	spoken := new(http.Protocols)
	spoken.SetHTTP1(major == 1)
	spoken.SetHTTP2(major == 2)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.trusting(protocol), Protocols: spoken}, CheckRedirect: wire.CheckRedirect, Timeout: wire.Timeout}
	defer client.CloseIdleConnections()
	for _, row := range tlsRequests {
		req, err := http.NewRequest(row.method, p.url+row.path, strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", row.kind)
		res, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s, %s %s: %v", protocol, row.method, row.path, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != row.want || res.ProtoMajor != major || res.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s %s: got %s %d, want %s %d, with HSTS", row.method, row.path, res.Proto, res.StatusCode, protocol, row.want)
		}
	}
}

// A renewed certificate is used without a restart; an invalid pair is logged, and the old
// one stays in use.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	s := newTLS(t)
	p := start(t, t.TempDir(), s.settings...)
	shows := func(want *x509.Certificate) bool {
		c, err := shake(p, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Equal(want)
	}
	if !shows(s.first) {
		t.Fatal("the first certificate is not shown")
	}
	if err := os.Remove(s.key); err != nil {
		t.Fatal(err)
	}
	p.eventually("the log tells of the key that is gone", func() bool {
		return strings.Contains(p.stderr.String(), `level=WARN msg="the certificate stays the old one"`)
	})
	if !shows(s.first) {
		t.Error("without its file, the first certificate is not shown any more")
	}
	second := certtest.Write(t, s.cert, s.key)
	took := p.eventually("the second certificate is shown", func() bool { return shows(second) })
	t.Logf("shown %v after it was written", took.Round(time.Millisecond))
	p.stop()
}

// A start with a certificate for another host than PUBLIC_URL's warns of it.
func TestStartWarnsOfAnotherHostsCertificate(t *testing.T) {
	t.Parallel()
	s := newTLS(t)
	for url, want := range map[string]bool{"https://localhost": false, "https://jar.example": true} {
		p := start(t, t.TempDir(), append(s.settings, "PUBLIC_URL="+url)...)
		p.stop()
		if got := p.stderr.String(); strings.Contains(got, `level=WARN msg="browsers may refuse the certificate"`) != want {
			t.Errorf("%s: the log says %q", url, got)
		}
	}
}

// Attack keys/file: a key that everybody on the machine can read is refused.
func TestKeyThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	s := newTLS(t)
	if err := os.Chmod(s.key, 0o644); err != nil {
		t.Fatal(err)
	}
	p := spawn(t, t.TempDir(), s.settings...)
	p.wait(1)
	if got := p.stderr.String(); !strings.Contains(got, "TLS_KEY: ") || !strings.Contains(got, "chmod g-w,o= "+s.key) {
		t.Errorf("it says %q", got)
	}
}
