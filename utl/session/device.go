package session

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// deviceLife is how long a browser stays a known device, in seconds.
const deviceLife = 365 * 24 * 60 * 60

// Device marks a browser that signed in to the account before. It is valid while
// the account's epoch is the same; a new password starts a new epoch.
type Device struct {
	AccountID string `json:"account"`
	ID        string `json:"device"`
	Epoch     int64  `json:"epoch"`
}

// Devices reads and writes the cookie of known devices. The cookie grants no
// access: the throttle only counts its holder apart from strangers.
type Devices struct {
	name   string
	secure bool
	codecs atomic.Pointer[[]securecookie.Codec]
}

// NewDevices returns a Devices that signs with the first key and verifies with
// all; secure means that browsers reach the site over https.
func NewDevices(secure bool, keys [][32]byte) (*Devices, error) {
	d := &Devices{name: "glassjar-device", secure: secure}
	if secure {
		d.name = "__Host-glassjar-device"
	}
	return d, d.SetKeys(keys)
}

// Name returns the cookie's name.
func (d *Devices) Name() string { return d.name }

// SetKeys replaces the keys: the first signs, all verify. An empty list is an
// error.
func (d *Devices) SetKeys(keys [][32]byte) error {
	var codecs []securecookie.Codec
	for _, k := range keys {
		codecs = append(codecs, securecookie.New(k[:], nil).SetSerializer(securecookie.JSONEncoder{}).MaxAge(deviceLife))
	}
	if len(codecs) == 0 {
		return errors.New("no device key")
	}
	d.codecs.Store(&codecs)
	return nil
}

// Read returns the device in the request's cookie. Of several cookies it takes the
// one that verifies; when none or more than one does, it returns the zero Device.
func (d *Devices) Read(r *http.Request) (found Device) {
	tries := 0
	for _, value := range cookiesNamed(nil, r.Header["Cookie"], d.name) {
		if len(value) < signatureChars {
			continue
		}
		if tries++; tries > maxVerify {
			return Device{}
		}
		var one Device
		if securecookie.DecodeMulti(d.name, value, &one, *d.codecs.Load()...) != nil {
			continue
		}
		if found.ID != "" {
			return Device{}
		}
		found = one
	}
	return found
}

// Send makes the browser a known device of the account, for a year. If the
// request carried several cookies of the name, it deletes the others.
func (d *Devices) Send(w http.ResponseWriter, r *http.Request, v Verified) error {
	value, err := securecookie.EncodeMulti(d.name, Device{v.AccountID, rand.Text(), v.Epoch}, *d.codecs.Load()...)
	if err != nil {
		return fmt.Errorf("signing the device cookie: %w", err)
	}
	if hasDuplicates(r, d.name) {
		ClearAll(w, r, d.name, d.secure)
	}
	http.SetCookie(w, sessions.NewCookie(d.name, value, &sessions.Options{
		Path: "/", HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteLaxMode, MaxAge: deviceLife,
	}))
	return nil
}
