package wire_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"regexp"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/cryptobyte"

	"glassjar/utl/wire"
)

// suite is a cipher suite of TLS 1.3 (RFC 8446, appendix B.4).
type suite struct {
	hash    func() hash.Hash
	keySize int
	aead    func(key []byte) (cipher.AEAD, error)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

var suites = map[uint16]suite{
	0x1301: {sha256.New, 16, gcm},
	0x1302: {sha512.New384, 32, gcm},
	0x1303: {sha256.New, 32, chacha20poly1305.New},
}

// decrypted decrypts every record with the connection's keys, in the format of
// SSLKEYLOGFILE, and returns what the client sent after its handshake.
func decrypted(t *testing.T, records []wire.Record, keys string) (said string) {
	t.Helper()
	chosen := suites[binary.BigEndian.Uint16(records[1].Bytes[5+4+2+32+1+32:])]
	secrets := map[string][]byte{}
	for _, line := range regexp.MustCompile(`(?m)^(\w+) \w+ (\w+)$`).FindAllStringSubmatch(keys, -1) {
		secret, err := hex.DecodeString(line[2])
		if err != nil {
			t.Fatal(err)
		}
		secrets[line[1]] = secret
	}
	handshake := map[bool]*sealed{
		true:  chosen.with(t, secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"]),
		false: chosen.with(t, secrets["SERVER_HANDSHAKE_TRAFFIC_SECRET"]),
	}
	data := chosen.with(t, secrets["CLIENT_TRAFFIC_SECRET_0"])
	for _, r := range records {
		switch {
		case r.Name == "request":
			text, kind := data.open(t, r.Bytes)
			if kind != 23 {
				t.Errorf("the request's records are of type %d", kind)
			}
			said += text
		case r.Bytes[0] == 23:
			if _, kind := handshake[r.FromClient].open(t, r.Bytes); kind != 22 {
				t.Errorf("%s is of type %d, want the handshake's", r.Name, kind)
			}
		}
	}
	return said
}

// sealed decrypts the records of one direction, in their order.
type sealed struct {
	aead     cipher.AEAD
	iv       []byte
	sequence uint64
}

func (s suite) with(t *testing.T, secret []byte) *sealed {
	t.Helper()
	aead, err := s.aead(s.expand(t, secret, "key", s.keySize))
	if err != nil {
		t.Fatal(err)
	}
	return &sealed{aead: aead, iv: s.expand(t, secret, "iv", 12)}
}

// expand is HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
func (s suite) expand(t *testing.T, secret []byte, label string, size int) []byte {
	t.Helper()
	var info cryptobyte.Builder
	info.AddUint16(uint16(size))
	info.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte("tls13 " + label)) })
	info.AddUint8(0)
	out, err := hkdf.Expand(s.hash, secret, string(info.BytesOrPanic()), size)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// open returns the content of the record and its type (RFC 8446, sections 5.2 and 5.3).
func (s *sealed) open(t *testing.T, record []byte) (text string, kind byte) {
	t.Helper()
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[4:], s.sequence)
	for i := range nonce {
		nonce[i] ^= s.iv[i]
	}
	s.sequence++
	plain, err := s.aead.Open(nil, nonce, record[5:], record[:5])
	if err != nil {
		t.Fatal(err)
	}
	end := len(plain) - 1
	for plain[end] == 0 {
		end--
	}
	return string(plain[:end]), plain[end]
}
