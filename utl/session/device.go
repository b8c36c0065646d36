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

// Device says that a browser signed in to the account before. It is good while
// the account's epoch is the same: a changed password makes it a stranger's.
type Device struct {
	AccountID string `json:"account"`
	ID        string `json:"device"`
	Epoch     int64  `json:"epoch"`
}

// Devices reads and writes the cookie of known devices. It opens no door: who
// has it is only throttled apart from strangers.
type Devices struct {
	name   string
	secure bool
	codecs atomic.Pointer[[]securecookie.Codec]
}

// NewDevices returns the known devices whose cookies the keys sign; secure
// says that browsers reach us over https.
func NewDevices(secure bool, keys [][32]byte) (*Devices, error) {
	d := &Devices{name: "glassjar-device", secure: secure}
	if secure {
		d.name = "__Host-glassjar-device"
	}
	return d, d.SetKeys(keys)
}

// Name returns the cookie's name.
func (d *Devices) Name() string { return d.name }

// SetKeys makes the first key sign and every key verify, from now on.
// No key at all is refused.
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

// Read returns the device that the request's cookie names, or the zero Device.
// Of several cookies the one that verifies counts; of several that do, none.
func (d *Devices) Read(r *http.Request) (found Device) {
	tries := 0
	for _, value := range named(nil, r.Header["Cookie"], d.name) {
		if len(value) < signature {
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
// request carried several cookies of the name, the others are cleared.
func (d *Devices) Send(w http.ResponseWriter, r *http.Request, v Verified) error {
	value, err := securecookie.EncodeMulti(d.name, Device{v.AccountID, rand.Text(), v.Epoch}, *d.codecs.Load()...)
	if err != nil {
		return fmt.Errorf("signing the device cookie: %w", err)
	}
	if several(r, d.name) {
		ClearAll(w, r, d.name, d.secure)
	}
	http.SetCookie(w, sessions.NewCookie(d.name, value, &sessions.Options{
		Path: "/", HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteLaxMode, MaxAge: deviceLife,
	}))
	return nil
}
