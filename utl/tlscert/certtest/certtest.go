// Package certtest makes certificates for tests.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// Write writes a key and a self-signed certificate as PEM files, and returns the
// certificate. It is valid for localhost, and for 0.0.0.0, by which tests reach this
// machine as if it were another.
func Write(t testing.TB, certFile, keyFile string) *x509.Certificate {
	t.Helper()
	cert, err := Make(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Make is Write for a TestMain.
func Make(certFile, keyFile string) (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	about := &x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4zero}, NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	secret, err2 := x509.MarshalPKCS8PrivateKey(key)
	cert, err3 := x509.ParseCertificate(der)
	return cert, errors.Join(err, err2, err3, write(certFile, "CERTIFICATE", der), write(keyFile, "PRIVATE KEY", secret))
}

func write(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
