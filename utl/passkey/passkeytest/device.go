// Package passkeytest simulates a browser together with an authenticator, for tests: it
// answers the options in a page with valid passkeys, or with invalid answers where a
// test asks for them.
package passkeytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// The flags of an authenticator's data (WebAuthn, section 6.1).
const (
	// The flags of authenticator data (WebAuthn, section 6.1).
	Present  = 1 << 0
	Verified = 1 << 2
	Eligible = 1 << 3 // for backup
	BackedUp = 1 << 4

	attested = 1 << 6
)

// Device is an authenticator, together with the browser in which it is used.
type Device struct {
	Origin string // of the page
	RPID   string // the RP ID that it signs for; empty: that of the options
	Flags  byte   // of each answer
	Counts bool   // whether its signature counter works
	Framed bool   // whether the page is in a frame of another site
	Pad    int    // bytes of padding in a registration's attestation

	Count uint32
	Keys  []Key
}

// Key is one passkey of the device.
type Key struct {
	ID, Handle []byte
	private    *ecdsa.PrivateKey
}

// New returns a device that verifies its user, used in a page of the origin.
func New(origin string) *Device { return &Device{Origin: origin, Flags: Present | Verified} }

type descriptor struct{ ID string }

// options are the fields of creation and request options that a Device reads.
type options struct {
	PublicKey struct {
		Challenge string
		RPID      string
		RP        struct{ ID string }
		User      struct{ ID string }

		ExcludeCredentials, AllowCredentials []descriptor

		AuthenticatorSelection struct{ ResidentKey string }
	}
}

func read(tb testing.TB, text string) (o options) {
	tb.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		tb.Fatalf("the options are %q: %v", text, err)
	}
	return o
}

// Challenge returns the challenge in the options.
func Challenge(tb testing.TB, text string) string {
	tb.Helper()
	return read(tb, text).PublicKey.Challenge
}

// Create creates a passkey for the options, and returns the browser's answer.
func (d *Device) Create(tb testing.TB, text string) string {
	tb.Helper()
	o := read(tb, text).PublicKey
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	key := Key{ID: random(), Handle: decode(tb, o.User.ID), private: private}
	d.Keys = append(d.Keys, key)
	return d.Attest(tb, text, key)
}

// Attest returns the answer that registers the key for the options.
func (d *Device) Attest(tb testing.TB, text string, key Key) string {
	tb.Helper()
	o := read(tb, text).PublicKey
	statement, format := map[string]any{}, "none"
	if d.Pad > 0 {
		statement, format = map[string]any{"x": make([]byte, d.Pad)}, "packed"
	}
	point, err := key.private.PublicKey.Bytes() // 0x04, x, y (SEC 1, section 2.3.3)
	if err != nil {
		tb.Fatal(err)
	}
	data := d.data(o.RP.ID, attested)
	data = append(data, make([]byte, 16)...)                        // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(key.ID))) // #nosec G115 -- it has 32 bytes
	data = append(data, key.ID...)
	data = append(data, encodeCBOR(tb, map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})...)
	return answer(tb, key, map[string]any{
		"clientDataJSON":    encode(d.clientData(tb, "webauthn.create", o.Challenge)),
		"attestationObject": encode(encodeCBOR(tb, map[string]any{"fmt": format, "attStmt": statement, "authData": data})),
		"transports":        []string{"internal", "hybrid"},
	}, map[string]any{"credProps": map[string]any{"rk": o.AuthenticatorSelection.ResidentKey != "discouraged"}})
}

// Get answers the options with the newest passkey that they allow.
func (d *Device) Get(tb testing.TB, text string) string {
	tb.Helper()
	allowed := read(tb, text).PublicKey.AllowCredentials
	for _, key := range slices.Backward(d.Keys) {
		if len(allowed) == 0 || slices.ContainsFunc(allowed, func(one descriptor) bool { return bytes.Equal(decode(tb, one.ID), key.ID) }) {
			return d.Sign(tb, text, key)
		}
	}
	tb.Fatalf("the device has none of the passkeys in %s", text)
	return ""
}

// Sign answers the options with the key.
func (d *Device) Sign(tb testing.TB, text string, key Key) string {
	tb.Helper()
	o := read(tb, text).PublicKey
	data, client := d.data(o.RPID, 0), d.clientData(tb, "webauthn.get", o.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, key.private, digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	return answer(tb, key, map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(key.Handle),
	}, map[string]any{})
}

// data returns the authenticator data: the hash of the RP ID, the flags and the counter.
func (d *Device) data(rpID string, flags byte) []byte {
	if d.RPID != "" {
		rpID = d.RPID
	}
	if d.Counts {
		d.Count++
	}
	hash := sha256.Sum256([]byte(rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], d.Flags|flags), d.Count)
}

func (d *Device) clientData(tb testing.TB, kind, challenge string) []byte {
	tb.Helper()
	return asJSON(tb, map[string]any{"type": kind, "challenge": challenge, "origin": d.Origin, "crossOrigin": d.Framed})
}

func answer(tb testing.TB, key Key, response, extensions map[string]any) string {
	tb.Helper()
	return string(asJSON(tb, map[string]any{
		"id": encode(key.ID), "rawId": encode(key.ID), "type": "public-key", "authenticatorAttachment": "platform",
		"response": response, "clientExtensionResults": extensions,
	}))
}

func random() []byte {
	id := make([]byte, 32)
	_, _ = rand.Read(id) // never returns an error
	return id
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func encodeCBOR(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := webauthncbor.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func asJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
