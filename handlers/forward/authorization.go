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

// challenge asks programs for an app password (RFC 7617). Many send it only after a
// challenge.
const challenge = `Basic realm="glassjar app password", charset="UTF-8"`

// unauthorized responds with 401. It challenges programs to send an app password, but not
// browsers, which would ask the person for it, also for requests of scripts.
func unauthorized(w http.ResponseWriter, a gate.Request) {
	if a.FromProgram() {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.WriteHeader(http.StatusUnauthorized)
}

// isForGate reports whether the gate checks the Authorization header, so that no app gets
// it. It does if Bearer's token or Basic's password begins like an app password, if a
// complete app password is anywhere else in it, or if the header is sent twice, because
// programs differ in which one they read. Every other Authorization header is the app's.
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

// isToken68 reports whether the character may occur in a token or in base64 (RFC 9110, section
// 11.2).
func isToken68(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._~+/=", c)
}

var standardBase64 = strings.NewReplacer("-", "+", "_", "/")

// hidesAppPassword reports whether the word is base64 of a username and something that
// begins like an app password, or of a complete app password. It decodes spellings of
// base64 that the gate does not accept but an app may.
func hidesAppPassword(word string) bool {
	text, err := base64.RawStdEncoding.DecodeString(standardBase64.Replace(strings.TrimRight(word, "=")))
	if err != nil {
		return false
	}
	_, pw, _ := strings.Cut(string(text), ":")
	return strings.HasPrefix(pw, account.AppPasswordPrefix) || account.AppPasswordForm.Match(text)
}

// program returns the account whose app password the request has, for the target. It ignores
// cookies. Errors: authn.AppPassword's.
func (s *Room) program(r *http.Request, t gate.Target) (gate.Subject, error) {
	username, secret := credentials(r)
	p, err := s.Authn.AppPassword(r.Context(), authn.Attempt{
		Username: username, Password: secret, Address: web.InfoOf(r).Address, By: web.Actor(r),
	}, t.Name)
	return gate.Subject{Identity: p.Owner, Key: "app password " + p.ID}, err
}

// credentials returns what the Authorization header contains: Basic's username and
// password (RFC 7617), or Bearer's token (RFC 6750). The secret is empty for anything
// else, and if the header is sent twice.
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
