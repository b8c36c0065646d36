package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"glassjar/utl/factor"
)

// maxPendingCookies is how many cookies of the name are looked up at most.
const maxPendingCookies = 5

// pendingCode returns the code in the request's cookie, or "" if there is none. Of several
// cookies, which a host beside this one can add, it returns the only one that belongs to a
// pending sign-in.
func (s *Room) pendingCode(r *http.Request) (code string) {
	sent := r.CookiesNamed(s.PendingCookie())
	if len(sent) == 1 {
		return sent[0].Value
	}
	for _, c := range sent[:min(len(sent), maxPendingCookies)] {
		if _, err := s.Factors.Find(r.Context(), c.Value); err != nil || c.Value == code {
			continue
		}
		if code != "" {
			return ""
		}
		code = c.Value
	}
	return code
}

// beginPending begins a pending sign-in in this browser, and ends an earlier one.
func (s *Room) beginPending(w http.ResponseWriter, r *http.Request, p factor.Pending) error {
	code, err := s.Factors.Begin(r.Context(), p, s.pendingCode(r))
	if err == nil {
		s.sendPending(w, code, factor.PendingLife)
	}
	return err
}

// endPending deletes the browser's cookie of a pending sign-in.
func (s *Room) endPending(w http.ResponseWriter) { s.sendPending(w, "", -time.Second) }

func (s *Room) sendPending(w http.ResponseWriter, code string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure if the site uses https
		Name: s.PendingCookie(), Value: code, Path: "/", MaxAge: int(life / time.Second), Expires: s.Now().Add(life),
		HttpOnly: true, Secure: s.HTTPS, SameSite: http.SameSiteLaxMode,
	})
}

// mark returns an id of the pending sign-in for its form, so that an older form is not
// submitted for a newer one. It grants nothing.
func mark(code string) string {
	sum := sha256.Sum256([]byte("the form of\x00" + code))
	return hex.EncodeToString(sum[:8])
}
