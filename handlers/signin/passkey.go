package signin

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/authn"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// The texts for a passkey that does not sign in.
//
// #nosec G101 -- these are sentences
const (
	passkeyRefused  = "That passkey does not sign you in here. Use your password, or another passkey."
	passkeyStopped  = "That did not work, or you stopped it. Try once more, or use your password."
	passkeyLate     = "That took too long. Try once more."
	passkeyNoCookie = "Your browser did not keep the cookie that a passkey needs: allow cookies for this site, then try once more."
	passkeyNone     = "Your browser sent no passkey: it needs scripting for that. Use your password."
)

// passkeyCookie returns the name of the cookie with the browser's nonce, to which challenges
// are bound before anybody signs in.
func (s *Room) passkeyCookie() string {
	if s.HTTPS {
		return "__Host-glassjar-passkey"
	}
	return "glassjar-passkey"
}

// browserNonce returns the nonce in the request's cookie, or "".
func (s *Room) browserNonce(r *http.Request) string {
	all := r.CookiesNamed(s.passkeyCookie())
	i := slices.IndexFunc(all, func(c *http.Cookie) bool {
		return len(c.Value) == 26 && strings.Trim(c.Value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
	})
	if i < 0 {
		return ""
	}
	return all[i].Value
}

// signInOptions returns the options of navigator.credentials.get, as JSON, and sends a
// browser without a nonce one. It returns "" if passkeys are off.
func (s *Room) signInOptions(w http.ResponseWriter, r *http.Request) string {
	if !s.Passkeys.On() {
		return ""
	}
	nonce := s.browserNonce(r)
	if nonce == "" {
		nonce = rand.Text()
		http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure if the site uses https
			Name: s.passkeyCookie(), Value: nonce, Path: "/", HttpOnly: true, Secure: s.HTTPS, SameSite: http.SameSiteLaxMode,
		})
	}
	return s.Passkeys.SignInOptions(signInQuestion(nonce))
}

// signInQuestion is the Question of a sign-in: bound to the browser.
func signInQuestion(nonce string) passkey.Question {
	return passkey.Question{Use: passkey.SignIn, Holder: nonce}
}

// PasskeySubmit answers POST /auth/passkey: it signs in the person whose passkey answered, or
// shows the sign-in form again. With the field mark, which identifies a pending sign-in, it
// completes that one.
func (s *Room) PasskeySubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "answer", "trouble", "next", "remember", "mark")
	if err != nil {
		return err
	}
	if form.Has("mark") {
		return s.passkeyStep(w, r, form)
	}
	p := s.emptyForm()
	p.Next, p.Remember, p.Empty = s.safeNext(form.Get("next")), form.Get("remember") != "", s.empty(r.Context())
	if p.Problem = whyUnanswered(form.Get("answer"), form.Get("trouble")); p.Problem != "" {
		return s.renderAuth(w, r, http.StatusUnprocessableEntity, p)
	}
	err = s.Authn.Passkey(r.Context(), s.Attempt(r, "", ""), signInQuestion(s.browserNonce(r)), form.Get("answer"), func(v session.Verified) error {
		return s.SignIn(w, r, v, p.Remember)
	})
	switch {
	case err == nil:
		s.noteSignIn(r, p.Next)
		return s.continueTo(w, r, web.InfoOf(r).Session, p.Next, "")
	case errors.Is(err, passkey.ErrUsed) && s.signedIn(w, r):
		return s.continueTo(w, r, web.InfoOf(r).Session, p.Next, "")
	case errors.Is(err, passkey.ErrExpired):
		p.Problem = passkeyLate
	case errors.Is(err, passkey.ErrChallenge) && s.browserNonce(r) == "":
		p.Problem = passkeyNoCookie
	case errors.Is(err, authn.ErrPasskey):
		p.Problem, p.Signal = passkeyRefused, s.signalUnknown(err)
	default:
		return s.RerenderForm(w, r, err, func(problem string, status int) error {
			p.Problem = problem
			return s.renderAuth(w, r, status, p)
		})
	}
	return s.renderAuth(w, r, http.StatusUnprocessableEntity, p)
}

// signedIn reports whether the request has a live session: then the same form was sent twice.
func (s *Room) signedIn(w http.ResponseWriter, r *http.Request) bool {
	_, err := s.CurrentSession(w, r)
	return err == nil
}

// whyUnanswered returns the text for a form without an answer, or "".
func whyUnanswered(answer, trouble string) string {
	switch {
	case trouble != "":
		return passkeyStopped
	case answer == "":
		return passkeyNone
	}
	return ""
}

// signalUnknown returns the input of PublicKeyCredential.signalUnknownCredential, as JSON, for an
// error that no account has the passkey: then the device stops offering it.
func (s *Room) signalUnknown(err error) string {
	unknown, ok := errors.AsType[passkey.UnknownError](err)
	if !ok {
		return ""
	}
	text, err := json.Marshal(map[string]string{"rpId": s.Passkeys.Host(), "credentialId": unknown.Credential})
	if err != nil {
		return ""
	}
	return string(text)
}

// PasskeyEndpoints answers GET /.well-known/passkey-endpoints: the URL where people add and
// manage their passkeys (W3C, A Well-Known URL for Relying Party Passkey Endpoints).
func (s *Room) PasskeyEndpoints(w http.ResponseWriter, _ *http.Request) error {
	page := s.PublicURL.JoinPath("/account/passkeys").String()
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"enroll": page, "manage": page})
}
