package lab

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"glassjar/utl/anatomy"
)

// deviceSays is the browser's answer, as JSON.
type deviceSays struct {
	RawID    string `json:"rawId"`
	Response struct{ ClientDataJSON, AttestationObject, AuthenticatorData, Signature string }
}

// takeFromDevice accepts the answer of the visitor's device, and returns what is wrong
// with it.
func (s *Room) takeFromDevice(v passkeyVisit, do, text, trouble string) string {
	const unread = "The lab cannot read what came from the device. Nothing was kept."
	if trouble != "" {
		return "Your device gave no answer, or you stopped it. Try again, or let the server play a device."
	}
	var says deviceSays
	if len(text) > maxDeviceSays || json.Unmarshal([]byte(text), &says) != nil {
		return unread
	}
	var parts [4][]byte
	for i, part := range []string{says.Response.ClientDataJSON, says.Response.AttestationObject, says.Response.AuthenticatorData, says.Response.Signature} {
		var err error
		if parts[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return unread
		}
	}
	if do == "make" {
		key, err := s.passkeyQuestion(v).NewPasskey(parts[0], parts[1])
		if err != nil {
			return "The lab cannot use what the device made: it was made for another challenge or site, nobody was checked, or it is another kind of key. Nothing was kept."
		}
		v.forget()
		v.keep(key, "")
		v.ask()
		return ""
	}
	a := anatomy.PasskeyAnswer{ClientData: parts[0], AuthData: parts[2], Signature: parts[3]}
	key, ok := v.passkey()
	switch {
	case !a.Bounded():
		return unread
	case !ok || says.RawID != base64.RawURLEncoding.EncodeToString(key.ID):
		return "That is another passkey's answer. Make one for the lab first."
	}
	v.keepAnswer(a)
	return ""
}

// playDevice answers the challenge as a device in software, which it creates if there is
// none.
func (s *Room) playDevice(v passkeyVisit) error {
	private, err := base64.RawURLEncoding.DecodeString(v.Get("pk-soft"))
	device, err2 := anatomy.ParseDevice(private)
	if cmp.Or(err, err2) != nil || v.Get("pk-soft") == "" {
		if device, err = anatomy.NewDevice(); err != nil {
			return fmt.Errorf("making a device of the lab: %w", err)
		}
		if private, err = device.Bytes(); err != nil {
			return fmt.Errorf("keeping a device of the lab: %w", err)
		}
		id := make([]byte, 16)
		rand.Read(id) // never fails: it ends the program instead
		v.forget()
		v.keep(device.Passkey(id), base64.RawURLEncoding.EncodeToString(private))
	}
	if _, asked := v.question(); !asked || v.age() > challengeLife {
		v.ask()
	}
	count, _ := strconv.ParseUint(v.Get("pk-count"), 10, 32) // 0 if there is none
	a, err := device.Answer(s.passkeyQuestion(v), uint32(count)+1)
	if err != nil {
		return fmt.Errorf("answering as a device of the lab: %w", err)
	}
	v.set("pk-count", strconv.FormatUint(count+1, 10))
	v.keepAnswer(a)
	return nil
}
