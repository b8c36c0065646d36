package anatomy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// The flags of what an authenticator says (WebAuthn, section 6.1).
const (
	// The flags of authenticator data (WebAuthn, section 6.1).
	UserPresent  byte = 1 << 0
	UserVerified byte = 1 << 2
	MayBeSynced  byte = 1 << 3 // BE: may be backed up
	Synced       byte = 1 << 4 // BS: is backed up
	NewKey       byte = 1 << 6 // AT: attested credential data follows
	More         byte = 1 << 7 // ED: extension data follows
)

// ErrPasskey means that the input is not a passkey with an ES256 key.
var ErrPasskey = errors.New("no passkey with a key for ES256")

const (
	es256 = -7 // ECDSA on P-256 over SHA-256 (RFC 9053, section 2.1)

	authDataBytes = 32 + 1 + 4
	aaguidBytes   = 16
	maxID         = 256 // bytes of a credential's id that the lab keeps
	maxClientData = 600
	maxAuthData   = 100
	maxSignature  = 80
)

// PasskeyQuestion is what an answer must be made for: the challenge in base64url, the
// site's origin and its RP ID.
type PasskeyQuestion struct{ Challenge, Origin, RPID string }

// PasskeyAnswer is the answer of a browser and an authenticator.
type PasskeyAnswer struct {
	ClientData []byte // JSON, from the browser
	AuthData   []byte // from the authenticator
	Signature  []byte // over AuthData and the SHA-256 of ClientData, in ASN.1
}

// ClientData is what the browser states about the request (WebAuthn, section 5.8.1).
type ClientData struct {
	Type        string `json:"type"`
	Challenge   string `json:"challenge"`
	Origin      string `json:"origin"`
	CrossOrigin bool   `json:"crossOrigin"`
}

// PasskeyCheck is one of the checks that an answer must pass, in the order in
// which they are made (WebAuthn, section 7.2).
type PasskeyCheck int

// The checks of [PasskeyQuestion.Check].
const (
	PasskeyChallenge PasskeyCheck = iota // the answer is to this challenge
	PasskeyOrigin                        // the browser was on a page of this site
	PasskeySite                          // the authenticator signed for this site
	PasskeyFlags                         // a user was present and was verified
	PasskeySignature                     // the signature is valid
	PasskeyGood                          // no check failed
)

// Client returns the parsed client data, or the zero ClientData if it is not JSON.
func (a PasskeyAnswer) Client() (c ClientData) {
	if json.Unmarshal(a.ClientData, &c) != nil {
		return ClientData{}
	}
	return c
}

// Flags returns the flags of the authenticator data.
func (a PasskeyAnswer) Flags() byte { return a.AuthData[32] }

// Count returns the authenticator's signature counter.
func (a PasskeyAnswer) Count() uint32 { return binary.BigEndian.Uint32(a.AuthData[33:]) }

// Bounded reports whether each part of the answer has a valid length within the lab's
// limits.
func (a PasskeyAnswer) Bounded() bool {
	return len(a.ClientData) <= maxClientData && len(a.AuthData) >= authDataBytes && len(a.AuthData) <= maxAuthData && len(a.Signature) <= maxSignature
}

// signed returns the hash that the signature signs.
func (a PasskeyAnswer) signed() []byte {
	client := sha256.Sum256(a.ClientData)
	digest := sha256.Sum256(append(append([]byte{}, a.AuthData...), client[:]...))
	return digest[:]
}

// Check returns the first check that the answer fails, or PasskeyGood. The answer must be
// Bounded.
func (q PasskeyQuestion) Check(a PasskeyAnswer, key *ecdsa.PublicKey) PasskeyCheck {
	c := a.Client()
	if failed := q.check("webauthn.get", c, a.AuthData); failed != PasskeyGood {
		return failed
	}
	if !ecdsa.VerifyASN1(key, a.signed(), a.Signature) {
		return PasskeySignature
	}
	return PasskeyGood
}

// check makes the checks that registering and answering have in common.
func (q PasskeyQuestion) check(kind string, c ClientData, authData []byte) PasskeyCheck {
	site := sha256.Sum256([]byte(q.RPID))
	flags := authData[32]
	switch {
	case c.Type != kind, c.Challenge != q.Challenge:
		return PasskeyChallenge
	case c.Origin != q.Origin, c.CrossOrigin:
		return PasskeyOrigin
	case [32]byte(authData) != site:
		return PasskeySite
	case flags&UserPresent == 0, flags&UserVerified == 0:
		return PasskeyFlags
	}
	return PasskeyGood
}

// Passkey is what a server stores of a passkey.
type Passkey struct {
	ID  []byte
	Key *ecdsa.PublicKey
}

// Coordinates returns the x and y coordinates of the public key, 32 bytes each.
func (p Passkey) Coordinates() []byte {
	point, err := p.Key.Bytes()
	if err != nil {
		panic(err) // a parsed key is valid
	}
	return point[1:]
}

// ParsePasskey returns the passkey with the credential id and the coordinates of its
// public key. Errors: [ErrPasskey].
func ParsePasskey(id, coordinates []byte) (Passkey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, coordinates...))
	if err != nil || len(id) == 0 || len(id) > maxID {
		return Passkey{}, ErrPasskey
	}
	return Passkey{id, key}, nil
}

// NewPasskey returns the passkey that a device created for the question. It does not
// check the attestation. Errors: [ErrPasskey], with the number of a failed check.
func (q PasskeyQuestion) NewPasskey(clientData, attestation []byte) (Passkey, error) {
	var attested struct {
		AuthData []byte `cbor:"authData"`
	}
	a := PasskeyAnswer{ClientData: clientData}
	if len(clientData) > maxClientData || webauthncbor.Unmarshal(attestation, &attested) != nil || len(attested.AuthData) < authDataBytes+aaguidBytes+2 {
		return Passkey{}, ErrPasskey
	}
	if failed := q.check("webauthn.create", a.Client(), attested.AuthData); failed != PasskeyGood {
		return Passkey{}, fmt.Errorf("%w: check %d", ErrPasskey, failed)
	}
	rest := attested.AuthData[authDataBytes+aaguidBytes:]
	idBytes := int(binary.BigEndian.Uint16(rest))
	if attested.AuthData[32]&NewKey == 0 || len(rest) < 2+idBytes {
		return Passkey{}, ErrPasskey
	}
	var key struct {
		Algorithm int64  `cbor:"3,keyasint"`
		X         []byte `cbor:"-2,keyasint"`
		Y         []byte `cbor:"-3,keyasint"`
	}
	if _, err := webauthncbor.UnmarshalFirst(rest[2+idBytes:], &key); err != nil || key.Algorithm != es256 {
		return Passkey{}, ErrPasskey
	}
	return ParsePasskey(rest[2:2+idBytes], append(key.X, key.Y...))
}

// Device is an authenticator in software, together with the browser in front of it.
type Device struct{ private *ecdsa.PrivateKey }

// NewDevice returns a device with a new key.
func NewDevice() (Device, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return Device{private}, err
}

// ParseDevice returns the device with a private key from [Device.Bytes].
func ParseDevice(private []byte) (Device, error) {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	return Device{key}, err
}

// Bytes returns the private key.
func (d Device) Bytes() ([]byte, error) { return d.private.Bytes() }

// Passkey returns what a server stores of the device's key.
func (d Device) Passkey(id []byte) Passkey { return Passkey{id, &d.private.PublicKey} }

// Answer answers the question, with count as the signature counter.
func (d Device) Answer(q PasskeyQuestion, count uint32) (PasskeyAnswer, error) {
	client := Dictionary{{"type", `"webauthn.get"`}}.Set("challenge", q.Challenge).Set("origin", q.Origin).set(Entry{"crossOrigin", "false"})
	site := sha256.Sum256([]byte(q.RPID))
	a := PasskeyAnswer{ClientData: []byte(client.String())}
	a.AuthData = binary.BigEndian.AppendUint32(append(site[:], UserPresent|UserVerified), count)
	var err error
	a.Signature, err = ecdsa.SignASN1(rand.Reader, d.private, a.signed())
	return a, err
}

// Change returns a copy of the answer that fails the check: with one value changed, and
// the signature of before.
func (a PasskeyAnswer) Change(check PasskeyCheck, origin string) PasskeyAnswer {
	a.AuthData = append([]byte{}, a.AuthData...)
	a.Signature = append([]byte{}, a.Signature...)
	d, err := ParseDictionary(a.ClientData)
	switch {
	case check == PasskeyChallenge && err == nil:
		other := make([]byte, 32)
		rand.Read(other) // never returns an error
		a.ClientData = []byte(d.Set("challenge", base64.RawURLEncoding.EncodeToString(other)).String())
	case check == PasskeyOrigin && err == nil:
		a.ClientData = []byte(d.Set("origin", origin).String())
	case check == PasskeySite:
		a.AuthData[0] ^= 1
	case check == PasskeyFlags:
		a.AuthData[32] &^= UserVerified
	case check == PasskeySignature && len(a.Signature) > 0:
		a.Signature[len(a.Signature)-1] ^= 1
	}
	return a
}
