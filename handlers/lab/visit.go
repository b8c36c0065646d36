package lab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"glassjar/utl/anatomy"
)

// visitCookie is the name of the cookie with what the lab created for this visit: the
// steps that are done, a secret for codes, a passkey. It is signed and encrypted with the
// lab's own keys, and is deleted when the browser closes.
const visitCookie = "lab-visit"

// steps are the steps of the lab, in order.
var steps = []string{"request", "cookies", "session", "cookie", "key", "wire", "password", "code", "passkey"}

// visit is what the lab stores about a visit, in the visitor's own browser.
type visit struct {
	anatomy.Dictionary

	sent string // the content that the browser has
}

func (s *Room) readVisit(r *http.Request) *visit {
	d := s.Lab.FindEncrypted(r, visitCookie)
	return &visit{d, d.String()}
}

// changed reports whether the cookie has to be sent again.
func (v *visit) changed() bool { return v.String() != v.sent }

// set stores the text under the key.
func (v *visit) set(key, text string) { v.Dictionary = v.Set(key, text) }

// drop deletes the key.
func (v *visit) drop(key string) {
	v.Dictionary = slices.DeleteFunc(slices.Clone(v.Dictionary), func(e anatomy.Entry) bool { return e.Key == key })
}

// did stores that the step is done.
func (v *visit) did(step string) {
	if !v.done(step) {
		v.set("done", strings.TrimPrefix(v.Get("done")+" "+step, " "))
	}
}

func (v *visit) done(step string) bool {
	return slices.Contains(strings.Fields(v.Get("done")), step)
}

// noteDone stores that the step is done, if the request does it: it sends a form or a cookie.
func (v *visit) noteDone(r *http.Request, step string) {
	if slices.Contains(steps, step) && (r.Method == http.MethodPost || step == "request" && r.URL.RawQuery != "") {
		v.did(step)
	}
	if step == "request" && len(r.Cookies()) > 0 {
		v.did("cookies")
	}
}

// renderVisit sends the visit's cookie if it changed, and responds with the page.
func (s *Room) renderVisit(w http.ResponseWriter, status int, name string, v *visit, page any) error {
	if v.changed() {
		value, err := s.Lab.Encrypt(visitCookie, v.Dictionary)
		if err != nil {
			return fmt.Errorf("keeping what the lab made for a visit: %w", err)
		}
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure if the site uses https
			Name: visitCookie, Value: value, Path: "/lab", HttpOnly: true, Secure: s.HTTPS, SameSite: http.SameSiteLaxMode,
		})
	}
	return s.Render(w, status, name, page)
}
