package lab

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
)

// examplePayload is the default payload to sign.
const examplePayload = `{"role":"admin","visits":1}`

// validCookieName matches a valid cookie name (RFC 6265, section 4.1.1) of at most 64
// characters.
var validCookieName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$")

// KeyPage is the data of /lab/key.
type KeyPage struct {
	stepLayout

	Key, Line     string // if it was requested: in base64, and the shell command
	Name, Payload string // as in the form
	Problem       string
	Signed        string // the payload, signed
	Account       string // a shell command that sends it to /account

	Session       string // the session cookie's name
	Plain, Sealed anatomy.Cookie
	Verdict       verdictView // about the modified encrypted cookie
}

// PlainJSON returns the signed payload, which can be read without a key.
func (p KeyPage) PlainJSON() (string, error) { return p.Plain.JSON() }

// Hex returns the bytes of the encrypted payload, which cannot be read.
func (p KeyPage) Hex() (string, error) {
	raw, err := p.Sealed.JSON()
	return fmt.Sprintf("% x", raw), err
}

// Changed returns the encrypted cookie with one character of its payload changed.
func (p KeyPage) Changed() string {
	at := (p.Sealed.Payload.From + p.Sealed.Payload.To) / 2
	letter := "A"
	if p.Sealed.Value[at] == 'A' {
		letter = "B"
	}
	return p.Sealed.Value[:at] + letter + p.Sealed.Value[at+1:]
}

// Key answers GET /lab/key: what the key is, and what it does.
func (s *Room) Key(w http.ResponseWriter, r *http.Request) error {
	return s.showKey(w, r, KeyPage{})
}

// KeySubmit answers POST /lab/key: it shows the lab's key, signs a payload with it, or
// decides about a modified encrypted cookie.
func (s *Room) KeySubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r) // no fields are named, because anything may be signed
	if err != nil {
		return err
	}
	p := KeyPage{Name: form.Get("name"), Payload: form.Get("payload")}
	if form.Get("do") == "show" || form.Get("shown") != "" {
		p.Key = base64.StdEncoding.EncodeToString(s.Lab.Key())
	}
	switch form.Get("do") {
	case "sign":
		s.sign(&p)
	case "change":
		p.Verdict = s.verifySealed(form.Get("value"))
	}
	return s.showKey(w, r, p)
}

// sign signs the payload, if it can also be typed into a shell.
func (s *Room) sign(p *KeyPage) {
	switch {
	case !validCookieName.MatchString(p.Name):
		p.Problem = "A cookie's name is 1 to 64 letters, digits and signs such as - and _."
	case strings.ContainsFunc(p.Payload, func(c rune) bool { return !unicode.IsPrint(c) }) || len(p.Payload) > 2000:
		p.Problem = "Write a payload on one line, of at most 2,000 bytes."
	default:
		p.Signed = s.Lab.Sign(p.Name, p.Payload, s.Now())
		p.Account = "curl -i -H " + quoteShell("Cookie: "+s.SessionCookie()+"="+p.Signed) + " " + quoteShell(s.PublicURL.JoinPath("account").String())
	}
}

// verifySealed returns the server's decision about an encrypted cookie of the lab.
func (s *Room) verifySealed(value string) verdictView {
	if err := s.Lab.VerifySealed(cookieName, value).Err; err != nil {
		return verdictView{
			Title: "Refused", Bad: true, Err: err.Error(),
			Why: sentence("Encryption hides what the cookie says. It is the signature that keeps it from being changed, here too."),
		}
	}
	return verdictView{Title: "Accepted", Why: sentence("This one was not changed.")}
}

func (s *Room) showKey(w http.ResponseWriter, r *http.Request, p KeyPage) error {
	c, err := s.layout(w, r, "key")
	if err != nil {
		return err
	}
	p.stepLayout, p.Session = c, s.SessionCookie()
	p.Name, p.Payload = cmp.Or(p.Name, cookieName), cmp.Or(p.Payload, examplePayload)
	if p.Key != "" {
		p.Line = opensslLine(hex.EncodeToString(s.Lab.Key()), p.Name, p.Payload)
	}
	if err := s.makeExamples(&p); err != nil {
		return err
	}
	return s.renderVisit(w, http.StatusOK, "lab-key", p.visit, p)
}

// makeExamples creates a cookie that is signed, and one that is also encrypted.
func (s *Room) makeExamples(p *KeyPage) error {
	example := anatomy.Dictionary{{Key: "role", JSON: `"reader"`}, {Key: "visits", JSON: "1"}}
	plain, err := s.Lab.Encode(cookieName, example)
	if err != nil {
		return fmt.Errorf("signing the lab's example: %w", err)
	}
	sealed, err := s.Lab.Encrypt(cookieName, example)
	if err != nil {
		return fmt.Errorf("encrypting the lab's example: %w", err)
	}
	p.Plain, err = anatomy.Parse(cookieName, plain)
	if err != nil {
		return fmt.Errorf("parsing the lab's example: %w", err)
	}
	p.Sealed, err = anatomy.Parse(cookieName, sealed)
	if err != nil {
		return fmt.Errorf("parsing the lab's example: %w", err)
	}
	return nil
}

// opensslLine returns a command that signs the payload in a POSIX shell.
func opensslLine(key, name, payload string) string {
	return "n=" + quoteShell(name) + " p=$(printf %s " + quoteShell(payload) + ` | openssl base64 -A | tr '+/' '-_') t=$(date +%s); ` +
		`{ printf '%s|%s|' "$t" "$p"; printf '%s|%s|%s' "$n" "$t" "$p" | ` +
		"openssl dgst -sha256 -mac HMAC -macopt hexkey:" + key + ` -binary; } | openssl base64 -A | tr '+/' '-_'; echo`
}
