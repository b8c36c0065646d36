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
	UserPresent  byte = 1 << 0
	UserVerified byte = 1 << 2
	MayBeSynced  byte = 1 << 3
	Synced       byte = 1 << 4
	NewKey       byte = 1 << 6
	More         byte = 1 << 7
)

// ErrPasskey means that what a device sent is no passkey with ES256.
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

// PasskeyQuestion is what an answer must be for: the challenge in base64url, the
// site's origin and its host.
type PasskeyQuestion struct{ Challenge, Origin, RPID string }

// PasskeyAnswer is what a browser and an authenticator answer.
type PasskeyAnswer struct {
	ClientData []byte // JSON, by the browser
	AuthData   []byte // by the authenticator
	Signature  []byte // of AuthData and the SHA-256 of ClientData; ASN.1
}

// ClientData is what the browser says of a question.
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
	PasskeyChallenge PasskeyCheck = iota // an answer to this very question
	PasskeyOrigin                        // the browser was at this site
	PasskeySite                          // the device signed for this site
	PasskeyFlags                         // somebody was there, and was checked
	PasskeySignature                     // made with the passkey's key
	PasskeyGood                          // no check failed
)

// Client returns what the browser says; empty where it is no JSON.
func (a PasskeyAnswer) Client() (c ClientData) {
	if json.Unmarshal(a.ClientData, &c) != nil {
		return ClientData{}
	}
	return c
}

// Site returns the SHA-256 of the host for which the device signed.
func (a PasskeyAnswer) Site() []byte { return a.AuthData[:32] }

// Flags returns the authenticator's flags.
func (a PasskeyAnswer) Flags() byte { return a.AuthData[32] }

// Count returns how many answers the authenticator has counted.
func (a PasskeyAnswer) Count() uint32 { return binary.BigEndian.Uint32(a.AuthData[33:]) }

// Bounded reports whether the answer has all its parts, none of them larger than
// the lab keeps.
func (a PasskeyAnswer) Bounded() bool {
	return len(a.ClientData) <= maxClientData && len(a.AuthData) >= authDataBytes && len(a.AuthData) <= maxAuthData && len(a.Signature) <= maxSignature
}

// signed returns the hash that the signature is made of.
func (a PasskeyAnswer) signed() []byte {
	client := sha256.Sum256(a.ClientData)
	digest := sha256.Sum256(append(append([]byte{}, a.AuthData...), client[:]...))
	return digest[:]
}

// Check returns the first check that the answer fails, or PasskeyGood. The answer
// must be bounded.
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

// check makes the checks that an answer and a new passkey share.
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

// Passkey is what a server keeps of a passkey.
type Passkey struct {
	ID  []byte
	Key *ecdsa.PublicKey
}

// Coordinates returns the public key's two, 32 bytes each.
func (p Passkey) Coordinates() []byte {
	point, err := p.Key.Bytes()
	if err != nil {
		panic(err) // it was parsed
	}
	return point[1:]
}

// ParsePasskey returns the passkey of the id, with the public key's coordinates.
// Errors: [ErrPasskey].
func ParsePasskey(id, coordinates []byte) (Passkey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, coordinates...))
	if err != nil || len(id) == 0 || len(id) > maxID {
		return Passkey{}, ErrPasskey
	}
	return Passkey{id, key}, nil
}

// NewPasskey returns the passkey that a device made for the question. What vouches
// for the device is not looked at. Errors: [ErrPasskey] alone or, where a check
// fails, with the check's number.
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

// Device is an authenticator in software, and the browser in front of it.
type Device struct{ private *ecdsa.PrivateKey }

// NewDevice returns a device with a new key.
func NewDevice() (Device, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return Device{private}, err
}

// ParseDevice returns the device with the private key that Bytes returned.
func ParseDevice(private []byte) (Device, error) {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	return Device{key}, err
}

// Bytes returns the private key.
func (d Device) Bytes() ([]byte, error) { return d.private.Bytes() }

// Passkey returns what a server keeps of the device's key.
func (d Device) Passkey(id []byte) Passkey { return Passkey{id, &d.private.PublicKey} }

// Answer answers the question, as the answer of the number count.
func (d Device) Answer(q PasskeyQuestion, count uint32) (PasskeyAnswer, error) {
	client := Dictionary{{"type", `"webauthn.get"`}}.Set("challenge", q.Challenge).Set("origin", q.Origin).set(Entry{"crossOrigin", "false"})
	site := sha256.Sum256([]byte(q.RPID))
	a := PasskeyAnswer{ClientData: []byte(client.String())}
	a.AuthData = binary.BigEndian.AppendUint32(append(site[:], UserPresent|UserVerified), count)
	var err error
	a.Signature, err = ecdsa.SignASN1(rand.Reader, d.private, a.signed())
	return a, err
}

// Change returns the answer with one thing changed that the check looks at, and
// the signature as it was.
func (a PasskeyAnswer) Change(check PasskeyCheck, origin string) PasskeyAnswer {
	a.AuthData = append([]byte{}, a.AuthData...)
	a.Signature = append([]byte{}, a.Signature...)
	d, err := ParseDictionary(a.ClientData)
	switch {
	case check == PasskeyChallenge && err == nil:
		other := make([]byte, 32)
		rand.Read(other) // never fails: it ends the program instead
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
