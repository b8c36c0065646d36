package forward

import (
	"encoding/base64"
	"net/http"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/gate"
)

// challenge asks programs for an app password (RFC 7617). Many send none before
// they are asked.
const challenge = `Basic realm="glassjar app password", charset="UTF-8"`

// unauthorized answers 401. A program is asked for an app password; a browser
// never is: it would ask the person, for a page and for a script too.
func unauthorized(w http.ResponseWriter, a gate.Request) {
	if a.FromProgram() {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.WriteHeader(http.StatusUnauthorized)
}

// isForGate reports whether the gate judges the Authorization header, so that no
// app gets it: Bearer's token or Basic's password begins as an app password
// does, or a whole one stands anywhere else in it, or the header comes twice,
// and programs differ in which one they read. Every other header is the app's.
func isForGate(all []string) bool {
	if len(all) != 1 {
		return len(all) > 1
	}
	before := ""
	for word := range strings.FieldsFuncSeq(all[0], func(c rune) bool { return !isToken68(c) }) {
		if strings.EqualFold(before, "Bearer") && strings.HasPrefix(word, account.AppPasswordPrefix) || hidesAppPassword(word) {
			return true
		}
		before = word
	}
	return account.AppPasswordForm.MatchString(all[0])
}

// isToken68 reports whether the character may stand in a token or in base64
// (RFC 9110, section 11.2).
func isToken68(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._~+/=", c)
}

var standardBase64 = strings.NewReplacer("-", "+", "_", "/")

// hidesAppPassword reports whether the word is base64 of a username and what
// begins as an app password does, or of a whole one. It reads spellings of
// base64 that the gate does not take but an app may.
func hidesAppPassword(word string) bool {
	text, err := base64.RawStdEncoding.DecodeString(standardBase64.Replace(strings.TrimRight(word, "=")))
	if err != nil {
		return false
	}
	_, pw, _ := strings.Cut(string(text), ":")
	return strings.HasPrefix(pw, account.AppPasswordPrefix) || account.AppPasswordForm.Match(text)
}

// program returns whose app password the request carries to the target. It
// never looks at a cookie. Errors: authn's.
func (s *Room) program(r *http.Request, t gate.Target) (gate.Subject, error) {
	username, secret := credentials(r)
	p, err := s.Authn.AppPassword(r.Context(), authn.Attempt{
		Username: username, Password: secret, Address: web.InfoOf(r).Address, By: web.Actor(r),
	}, t.Name)
	return gate.Subject{Identity: p.Owner, Key: "app password " + p.ID}, err
}

// credentials returns what the Authorization header holds: Basic's username
// and password (RFC 7617), or Bearer's token (RFC 6750) alone. The secret is
// empty when it is anything else, or comes twice.
func credentials(r *http.Request) (username, secret string) {
	all := r.Header["Authorization"]
	if len(all) != 1 {
		return "", ""
	}
	if typed, pw, ok := r.BasicAuth(); ok && typed != "" {
		return typed, pw
	}
	if scheme, token, _ := strings.Cut(all[0], " "); strings.EqualFold(scheme, "Bearer") {
		return "", token
	}
	return "", ""
}
