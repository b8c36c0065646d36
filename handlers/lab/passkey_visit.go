package lab

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"glassjar/utl/anatomy"
)

// passkeyVisit is the part of the visit for this page: the challenge, the passkey and its
// last answer. A real server stores the challenge in its database, and never has the
// private key; here the device may be the server itself.
type passkeyVisit struct {
	*visit

	now time.Time
}

// ask creates a new challenge, and deletes the answer to the previous one.
func (v passkeyVisit) ask() {
	challenge := make([]byte, challengeBytes)
	rand.Read(challenge) // never fails: it ends the program instead
	v.set("ask", base64.RawURLEncoding.EncodeToString(challenge))
	v.set("ask-at", strconv.FormatInt(v.now.Unix(), 10))
	for _, key := range []string{"ans-client", "ans-data", "ans-sign", "ans-used"} {
		v.drop(key)
	}
}

// question returns the challenge, and reports whether there is one.
func (v passkeyVisit) question() (string, bool) { return v.Get("ask"), v.Get("ask") != "" }

// age returns the age of the challenge.
func (v passkeyVisit) age() time.Duration {
	at, _ := strconv.ParseInt(v.Get("ask-at"), 10, 64) // 1970 if there is none
	return v.now.Sub(time.Unix(at, 0))
}

func (v passkeyVisit) keep(p anatomy.Passkey, private string) {
	v.set("pk-id", base64.RawURLEncoding.EncodeToString(p.ID))
	v.set("pk-key", base64.RawURLEncoding.EncodeToString(p.Coordinates()))
	if private != "" {
		v.set("pk-soft", private)
	}
}

// forget deletes the passkey and its answer.
func (v passkeyVisit) forget() {
	for _, key := range []string{"pk-id", "pk-key", "pk-soft", "pk-count", "ans-client", "ans-data", "ans-sign", "ans-used"} {
		v.drop(key)
	}
}

// passkey returns the stored passkey, and reports whether there is one.
func (v passkeyVisit) passkey() (anatomy.Passkey, bool) {
	id, err := base64.RawURLEncoding.DecodeString(v.Get("pk-id"))
	xy, err2 := base64.RawURLEncoding.DecodeString(v.Get("pk-key"))
	p, err3 := anatomy.ParsePasskey(id, xy)
	return p, errors.Join(err, err2, err3) == nil
}

func (v passkeyVisit) keepAnswer(a anatomy.PasskeyAnswer) {
	v.set("ans-client", base64.RawURLEncoding.EncodeToString(a.ClientData))
	v.set("ans-data", base64.RawURLEncoding.EncodeToString(a.AuthData))
	v.set("ans-sign", base64.RawURLEncoding.EncodeToString(a.Signature))
}

// answer returns the last answer, and reports whether there is one.
func (v passkeyVisit) answer() (a anatomy.PasskeyAnswer, ok bool) {
	var err, err2, err3 error
	a.ClientData, err = base64.RawURLEncoding.DecodeString(v.Get("ans-client"))
	a.AuthData, err2 = base64.RawURLEncoding.DecodeString(v.Get("ans-data"))
	a.Signature, err3 = base64.RawURLEncoding.DecodeString(v.Get("ans-sign"))
	return a, errors.Join(err, err2, err3) == nil && a.Bounded()
}

// use stores that the challenge was answered.
func (v passkeyVisit) use() { v.set("ans-used", strconv.FormatInt(v.now.Unix(), 10)) }

// used returns when the challenge was answered, and reports whether it was.
func (v passkeyVisit) used() (time.Time, bool) {
	at, err := strconv.ParseInt(v.Get("ans-used"), 10, 64)
	return time.Unix(at, 0), err == nil
}
