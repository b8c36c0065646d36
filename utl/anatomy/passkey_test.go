package anatomy_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"glassjar/utl/anatomy"
	"glassjar/utl/passkey/passkeytest"
)

var asked = anatomy.PasskeyQuestion{Challenge: "LdAL134CIs7YgmZUganB2fkHMJ0W4F7QB6HqY5KEd6k", Origin: "https://jar.example", RPID: "jar.example"}

func answered(t *testing.T) (anatomy.Device, anatomy.PasskeyAnswer) {
	t.Helper()
	d, err := anatomy.NewDevice()
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Answer(asked, 7)
	if err != nil {
		t.Fatal(err)
	}
	return d, a
}

// The device signs as WebAuthn requires, and its key survives encoding and parsing.
func TestDeviceAnswers(t *testing.T) {
	d, a := answered(t)
	if got := string(a.ClientData); got != `{"type":"webauthn.get","challenge":"`+asked.Challenge+`","origin":"https://jar.example","crossOrigin":false}` {
		t.Errorf("the browser says %s", got)
	}
	site := sha256.Sum256([]byte("jar.example"))
	if string(a.AuthData[:32]) != string(site[:]) || a.Flags() != anatomy.UserPresent|anatomy.UserVerified || a.Count() != 7 || !a.Bounded() {
		t.Errorf("the device says %x", a.AuthData)
	}
	client := sha256.Sum256(a.ClientData)
	digest := sha256.Sum256(append(append([]byte{}, a.AuthData...), client[:]...))
	key := d.Passkey([]byte("id"))
	if !ecdsa.VerifyASN1(key.Key, digest[:], a.Signature) {
		t.Error("the signature is not over both")
	}
	private, err := d.Bytes()
	again, err2 := anatomy.ParseDevice(private)
	kept, err3 := anatomy.ParsePasskey(key.ID, key.Coordinates())
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	b, err := again.Answer(asked, 8)
	if err != nil || asked.Check(a, kept.Key) != anatomy.PasskeyGood || asked.Check(b, kept.Key) != anatomy.PasskeyGood {
		t.Errorf("the kept key does not fit: %v", err)
	}
}

// A changed answer fails, at the check of what was changed.
func TestChangedAnswersFail(t *testing.T) {
	d, a := answered(t)
	key := d.Passkey([]byte("id")).Key
	for check := range anatomy.PasskeyGood {
		if got := asked.Check(a.Change(check, "https://jar-example.test"), key); got != check {
			t.Errorf("changed for check %d, it fails check %d", check, got)
		}
	}
	if asked.Check(a, key) != anatomy.PasskeyGood {
		t.Error("a change changed the answer itself")
	}
	for i := range a.AuthData {
		b := a.Change(anatomy.PasskeyGood, "")
		b.AuthData[i] ^= 0x20 // a flag that no check reads
		if asked.Check(b, key) == anatomy.PasskeyGood {
			t.Errorf("with byte %d of the device's changed it is good", i)
		}
	}
	for _, replaced := range [][2]string{{"webauthn.get", "webauthn.create"}, {"false", "true"}, {`"type"`, ` "type"`}, {"{", ""}} {
		b := a
		b.ClientData = []byte(strings.Replace(string(a.ClientData), replaced[0], replaced[1], 1))
		if asked.Check(b, key) == anatomy.PasskeyGood {
			t.Errorf("%s is good", b.ClientData)
		}
	}
	other, _ := answered(t)
	if asked.Check(a, other.Passkey(nil).Key) != anatomy.PasskeySignature {
		t.Error("another key's signature is good")
	}
}

func TestBounded(t *testing.T) {
	_, a := answered(t)
	for _, b := range []anatomy.PasskeyAnswer{
		{},
		{a.ClientData, a.AuthData[:36], a.Signature},
		{make([]byte, 601), a.AuthData, a.Signature},
		{a.ClientData, make([]byte, 101), a.Signature},
		{a.ClientData, a.AuthData, make([]byte, 81)},
	} {
		if b.Bounded() {
			t.Errorf("%d, %d, %d bytes are bounded", len(b.ClientData), len(b.AuthData), len(b.Signature))
		}
	}
}

// created returns what a browser sends of a passkey that the device makes once
// something of it is changed.
func created(t *testing.T, change func(*passkeytest.Device)) (client, attestation []byte) {
	t.Helper()
	const options = `{"publicKey":{"challenge":"LdAL134CIs7YgmZUganB2fkHMJ0W4F7QB6HqY5KEd6k","rp":{"id":"jar.example"},"user":{"id":"AA"}}}`
	d := passkeytest.New(asked.Origin)
	change(d)
	var made struct {
		Response struct{ ClientDataJSON, AttestationObject string }
	}
	err := json.Unmarshal([]byte(d.Create(t, options)), &made)
	client, err2 := base64.RawURLEncoding.DecodeString(made.Response.ClientDataJSON)
	attestation, err3 := base64.RawURLEncoding.DecodeString(made.Response.AttestationObject)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	return client, attestation
}

// A passkey that a device created is parsed, and anything else is refused.
func TestNewPasskey(t *testing.T) {
	client, attestation := created(t, func(*passkeytest.Device) {})
	p, err := asked.NewPasskey(client, attestation)
	if err != nil || len(p.ID) != 32 || len(p.Coordinates()) != 64 {
		t.Fatalf("got %v, %v", p, err)
	}
	for name, change := range map[string]func(*passkeytest.Device){
		"another origin": func(d *passkeytest.Device) { d.Origin = "https://jar-example.test" },
		"another site":   func(d *passkeytest.Device) { d.RPID = "jar-example.test" },
		"nobody checked": func(d *passkeytest.Device) { d.Flags = passkeytest.Present },
		"in a frame":     func(d *passkeytest.Device) { d.Framed = true },
	} {
		client, attestation := created(t, change)
		if _, err := asked.NewPasskey(client, attestation); !errors.Is(err, anatomy.ErrPasskey) {
			t.Errorf("%s: got %v, want ErrPasskey", name, err)
		}
	}
	for cut := range len(attestation) {
		if _, err := asked.NewPasskey(client, attestation[:cut]); !errors.Is(err, anatomy.ErrPasskey) {
			t.Errorf("the first %d bytes: got %v, want ErrPasskey", cut, err)
		}
	}
	elsewhere := asked
	elsewhere.Challenge = "other"
	if _, err := elsewhere.NewPasskey(client, attestation); !errors.Is(err, anatomy.ErrPasskey) {
		t.Errorf("for another challenge: got %v", err)
	}
	if _, err := anatomy.ParsePasskey(make([]byte, 257), p.Coordinates()); !errors.Is(err, anatomy.ErrPasskey) {
		t.Errorf("a long id: got %v", err)
	}
}
