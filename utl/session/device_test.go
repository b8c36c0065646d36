package session_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

func newDevices(t *testing.T, secure bool, keys ...[32]byte) *session.Devices {
	t.Helper()
	d, err := session.NewDevices(secure, keys)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func sendDevice(t *testing.T, d *session.Devices, v session.Verified) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := d.Send(w, request(), v); err != nil {
		t.Fatal(err)
	}
	return only(t, w)
}

func TestKnownDevice(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	const year = 365 * 24 * time.Hour
	for _, tt := range []struct {
		name   string
		secure bool
		want   string
	}{
		{"over http", false, "glassjar-device"},
		{"over https", true, "__Host-glassjar-device"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDevices(t, tt.secure, newKey())
			c := sendDevice(t, d, session.Verified{AccountID: "a", Username: "ada", Epoch: 3})
			want := &http.Cookie{
				Name: tt.want, Path: "/", HttpOnly: true, Secure: tt.secure, SameSite: http.SameSiteLaxMode, MaxAge: int(year / time.Second),
			}
			if diff := cmp.Diff(want, c, cmpopts.IgnoreFields(http.Cookie{}, "Value", "Expires", "RawExpires", "Raw")); diff != "" {
				t.Errorf("the cookie (-want +got):\n%s", diff)
			}
			got := d.Read(request(c))
			if diff := cmp.Diff(session.Device{AccountID: "a", Epoch: 3}, got, cmpopts.IgnoreFields(session.Device{}, "ID")); diff != "" || len(got.ID) < 26 {
				t.Errorf("the device, whose id is %q (-want +got):\n%s", got.ID, diff)
			}
			if d.Name() != tt.want || d.Read(request(sendDevice(t, d, session.Verified{AccountID: "a", Epoch: 3}))).ID == got.ID {
				t.Errorf("the name is %q; or two devices have one id", d.Name())
			}
		})
	}
}

// Attack cookie/foreign-key, cookie/several: a device cookie that does not verify is
// ignored, and so are two that do.
func TestADeviceThatIsNone(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	key, other := newKey(), newKey()
	d := newDevices(t, false, key, other)
	c := sendDevice(t, d, session.Verified{AccountID: "a", Epoch: 3})
	of2 := sendDevice(t, d, session.Verified{AccountID: "b", Epoch: 1})
	now := time.Now().Unix()
	_, payload := taken(t, c.Value)
	payload = strings.TrimSpace(payload)
	of := func(key [32]byte, name string, date int64, payload string) *http.Request {
		return request(cookiesNamed(d.Name(), sign(key, name, date, payload)))
	}
	year := int64(365 * 24 * time.Hour / time.Second)
	for _, tt := range []struct {
		name string
		r    *http.Request
		good bool
	}{
		{"as it was sent", request(c), true},
		{"signed with an old key", of(other, d.Name(), now, payload), true},
		{"nearly a year old", of(key, d.Name(), now-year+60, payload), true},
		{"over a year old", of(key, d.Name(), now-year-60, payload), false},
		{"none", request(), false},
		{"two that verify", request(c, of2), false},
		{"one that does not, before it", request(cookiesNamed(c.Name, "x"), c), true},
		{"one that does not, after it", request(c, cookiesNamed(c.Name, sign(newKey(), d.Name(), now, payload))), true},
		{"17 forged ones", request(append(slices.Repeat([]*http.Cookie{cookiesNamed(c.Name, sign(newKey(), d.Name(), now, payload))}, 17), c)...), false},
		{"cut", request(cookiesNamed(c.Name, c.Value[:len(c.Value)-4])), false},
		{"another key", of(newKey(), d.Name(), now, payload), false},
		{"another name", of(key, "glassjar", now, payload), false},
		{"not an object", of(key, d.Name(), now, `[1]`), false},
		{"a wrong type", of(key, d.Name(), now, `{"account":"a","device":"b","epoch":"3"}`), false},
		{"nothing", of(key, d.Name(), now, ``), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := d.Read(tt.r); (got != session.Device{}) != tt.good {
				t.Errorf("got %+v, want one: %v", got, tt.good)
			}
		})
	}
}

// Attack cookie/foreign-key: a session cookie is not accepted as a device cookie, nor the
// other way round, even if both have the same key.
func TestASessionCookieIsNoDevice(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	key := newKey()
	d := newDevices(t, false, key)
	c := sendDevice(t, d, session.Verified{AccountID: "a", Epoch: 3})
	s := newSite(t, func(o *session.Options) { o.Keys = [][32]byte{key} })
	s.none(t, request(cookiesNamed(s.Name(), c.Value)))
	if got := d.Read(request(cookiesNamed(d.Name(), s.signIn(t, "ada", true).Value))); got != (session.Device{}) {
		t.Errorf("a session cookie is the device %+v", got)
	}
}

func TestDeviceKeys(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	old, fresh := newKey(), newKey()
	d := newDevices(t, false, old)
	c := sendDevice(t, d, session.Verified{AccountID: "a", Epoch: 3})
	if err := d.SetKeys(nil); err == nil {
		t.Error("it takes no key")
	}
	for _, tt := range []struct {
		keys [][32]byte
		good bool
	}{{[][32]byte{fresh, old}, true}, {[][32]byte{fresh}, false}} {
		if err := d.SetKeys(tt.keys); err != nil {
			t.Fatal(err)
		}
		if got := d.Read(request(c)); (got != session.Device{}) != tt.good {
			t.Errorf("with %d keys: got %+v, want one: %v", len(tt.keys), got, tt.good)
		}
	}
	_, payload := taken(t, sendDevice(t, d, session.Verified{AccountID: "a", Epoch: 3}).Value)
	if !json.Valid([]byte(payload)) {
		t.Errorf("%q is not readable", payload)
	}
}
