package tlscert_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/tlscert"
	"glassjar/utl/tlscert/certtest"
)

// files creates a certificate and a key in a folder of their own and returns their paths.
func files(t *testing.T) (cert, key string) {
	t.Helper()
	folder := t.TempDir()
	return filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
}

func load(t *testing.T, cert, key string) *tlscert.Pair {
	t.Helper()
	p, err := tlscert.Load(cert, key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown returns the certificate that the server uses, in DER.
func shown(t *testing.T, p *tlscert.Pair) string {
	t.Helper()
	c, err := p.Config().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(c.Certificate[0])
}

// wantReload fails the test unless Reload reports changed, and an error that contains fault;
// "" means no error.
func wantReload(t *testing.T, p *tlscert.Pair, changed bool, fault string) {
	t.Helper()
	got, err := p.Reload()
	if got != changed || (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
		t.Errorf("got changed %t, error %v; want %t, %q", got, err, changed, fault)
	}
}

func TestReloadTakesUpWhatChanged(t *testing.T) {
	cert, key := files(t)
	first := certtest.Write(t, cert, key)
	p := load(t, cert, key)
	wantReload(t, p, false, "")
	if shown(t, p) != string(first.Raw) {
		t.Error("the first certificate is not shown")
	}
	second := certtest.Write(t, cert, key)
	wantReload(t, p, true, "")
	wantReload(t, p, false, "")
	if shown(t, p) != string(second.Raw) {
		t.Error("the second certificate is not shown")
	}
}

// faults are what a certificate's and a key's file may be spoilt by.
var faults = []struct {
	name, fault string
	spoil       func(cert, key string) error
}{
	{"no certificate", "cert.pem: no such file", func(cert, _ string) error { return os.Remove(cert) }},
	{"no key", "key.pem: no such file", func(_, key string) error { return os.Remove(key) }},
	{"half a certificate", "PEM data in certificate", func(cert, _ string) error { return os.Truncate(cert, 200) }},
	{"an empty key", "PEM data in key", func(_, key string) error { return os.Truncate(key, 0) }},
	{"the two exchanged", "PEM data in certificate", func(cert, key string) error {
		return errors.Join(os.Rename(cert, cert+".old"), os.Rename(key, cert), os.Rename(cert+".old", key))
	}},
	{"a key of another", "does not match", func(cert, key string) error {
		_, err := certtest.Make(cert+".other", key)
		return err
	}},
	{"a key with a passphrase", "key.pem has a passphrase and must be without one: openssl pkey -in ", func(_, key string) error {
		return os.WriteFile(key, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), 0o600)
	}},
	{"an older key with a passphrase", "key.pem has a passphrase", func(_, key string) error {
		return os.WriteFile(key, []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), 0o600)
	}},
	{"a key that everybody can read", "key.pem has mode 0604 and holds secrets: chmod g-w,o= ", func(cert, key string) error {
		_, err := certtest.Make(cert, key)
		return errors.Join(err, os.Chmod(key, 0o604))
	}},
}

// Each fault is refused at the start. If it appears later, it is reported once, and the last
// valid pair stays in use.
func TestFaultKeepsTheOldPair(t *testing.T) {
	for _, row := range faults {
		t.Run(row.name, func(t *testing.T) {
			cert, key := files(t)
			old := certtest.Write(t, cert, key)
			p := load(t, cert, key)
			if err := row.spoil(cert, key); err != nil {
				t.Fatal(err)
			}
			wantReload(t, p, true, row.fault)
			wantReload(t, p, false, "")
			if shown(t, p) != string(old.Raw) {
				t.Error("the old certificate is not shown any more")
			}
			if _, err := tlscert.Load(cert, key, time.Now); err == nil || !strings.Contains(err.Error(), "reading TLS_CERT and TLS_KEY: ") {
				t.Errorf("at the start: got %v, want a fault", err)
			}
			renewed := certtest.Write(t, cert, key)
			if err := os.Chmod(key, 0o640); err != nil { // its group may read it
				t.Fatal(err)
			}
			wantReload(t, p, true, "")
			if shown(t, p) != string(renewed.Raw) {
				t.Error("the renewed certificate is not shown")
			}
		})
	}
}

// Without file names there is no certificate, and no file is read.
func TestPlainHTTP(t *testing.T) {
	p := load(t, "", "")
	if p.Config() != nil {
		t.Error("there is a configuration for TLS")
	}
	p.ReloadIfChanged(t.Context(), nil, "localhost") // needs no logger
	p.Warn(t.Context(), nil, "localhost")
}

// ReloadIfChanged logs a change, and a fault, once.
func TestLook(t *testing.T) {
	cert, key := files(t)
	certtest.Write(t, cert, key)
	p := load(t, cert, key)
	var log bytes.Buffer
	host := "localhost"
	look := func(want string) {
		t.Helper()
		log.Reset()
		p.ReloadIfChanged(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), host)
		if got := log.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("the log says %q, want %q", got, want)
		}
	}
	look("")
	certtest.Write(t, cert, key)
	look(`level=INFO msg="certificate changed"`)
	look("")
	host = "jar.example"
	certtest.Write(t, cert, key)
	look(`level=WARN msg="browsers may refuse the certificate" problem="the certificate of TLS_CERT is not for jar.example, the host of PUBLIC_URL, so it is good only behind a proxy: `)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	look(`level=WARN msg="the certificate stays the old one"`)
	look("")
}

func TestProblem(t *testing.T) {
	cert, key := files(t)
	made := certtest.Write(t, cert, key)
	var now time.Time
	p, err := tlscert.Load(cert, key, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, host string
		at         time.Time
		want       string
	}{
		{"its host", "localhost", time.Now(), ""},
		{"its address", "0.0.0.0", time.Now(), ""},
		{"another host", "jar.example", time.Now(), "is not for jar.example, the host of PUBLIC_URL, so it is good only behind a proxy: x509: certificate is valid for localhost, not jar.example"},
		{"too late", "localhost", made.NotAfter.Add(time.Second), "expired on 2106-02-07"},
		{"too early", "localhost", made.NotBefore.Add(-time.Second), "is not valid before "},
	} {
		now = tt.at
		if got, certain := p.Problem(tt.host); !strings.Contains(got, tt.want) || tt.want == "" && got != "" || certain == (tt.name == "another host") {
			t.Errorf("%s: got %q, certain: %t; want %q", tt.name, got, certain, tt.want)
		}
	}
}
