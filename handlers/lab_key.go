package handlers

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"glassjar/utl/anatomy"
)

// labPayload is what the visitor is offered to sign.
const labPayload = `{"role":"admin","visits":1}`

// cookieName is a cookie's name, as RFC 6265 allows it (section 4.1.1), short.
var cookieName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$")

type labKeyPage struct {
	labChrome

	Key, Line     string // when it was asked for: base64, and the shell's line
	Name, Payload string // as they stand in the form
	Problem       string
	Signed        string // the payload, signed
	Account       string // a shell's line that shows it to /account

	Session       string // the session cookie's name
	Plain, Sealed anatomy.Cookie
	Verdict       labVerdict // on the sealed one, changed
}

// PlainJSON returns what the signed payload says: no key is needed.
func (p labKeyPage) PlainJSON() (string, error) { return p.Plain.JSON() }

// Hex returns the bytes of the encrypted payload: there is nothing to read.
func (p labKeyPage) Hex() (string, error) {
	raw, err := p.Sealed.JSON()
	return fmt.Sprintf("% x", raw), err
}

// Changed returns the encrypted cookie with one letter of its payload changed.
func (p labKeyPage) Changed() string {
	at := (p.Sealed.Payload.From + p.Sealed.Payload.To) / 2
	letter := "A"
	if p.Sealed.Value[at] == 'A' {
		letter = "B"
	}
	return p.Sealed.Value[:at] + letter + p.Sealed.Value[at+1:]
}

// labKey answers GET /lab/key: what the key is, and what it does.
func (s *site) labKey(w http.ResponseWriter, r *http.Request) error {
	return s.labKeyShow(w, r, labKeyPage{})
}

// labKeySubmit answers POST /lab/key: it shows the lab's key, signs a payload
// with it, or judges an encrypted cookie with a letter changed.
func (s *site) labKeySubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(r) // no field is checked: one may sign what one likes
	if err != nil {
		return err
	}
	p := labKeyPage{Name: form.Get("name"), Payload: form.Get("payload")}
	if form.Get("do") == "show" || form.Get("shown") != "" {
		p.Key = base64.StdEncoding.EncodeToString(s.Lab.Key())
	}
	switch form.Get("do") {
	case "sign":
		s.labSign(&p)
	case "change":
		p.Verdict = s.labSealed(form.Get("value"))
	}
	return s.labKeyShow(w, r, p)
}

// labSign signs the payload, if it is one that can be typed into a shell too.
func (s *site) labSign(p *labKeyPage) {
	switch {
	case !cookieName.MatchString(p.Name):
		p.Problem = "A cookie's name is 1 to 64 letters, digits and signs such as - and _."
	case strings.ContainsFunc(p.Payload, func(c rune) bool { return !unicode.IsPrint(c) }) || len(p.Payload) > 2000:
		p.Problem = "Write a payload on one line, of at most 2,000 bytes."
	default:
		p.Signed = s.Lab.Sign(p.Name, p.Payload, s.Now())
		p.Account = "curl -i -H " + quoteShell("Cookie: "+s.sessionCookie()+"="+p.Signed) + " " + quoteShell(s.PublicURL.JoinPath("account").String())
	}
}

// labSealed judges an encrypted cookie of the lab.
func (s *site) labSealed(value string) labVerdict {
	if err := s.Lab.JudgeSealed(labCookie, value).Err; err != nil {
		return labVerdict{
			Title: "Refused", Bad: true, Err: err.Error(),
			Why: say("Encryption hides what the cookie says. It is the signature that keeps it from being changed, here too."),
		}
	}
	return labVerdict{Title: "Accepted", Why: say("This one was not changed.")}
}

func (s *site) labKeyShow(w http.ResponseWriter, r *http.Request, p labKeyPage) error {
	c, err := s.labChrome(w, r, "key")
	if err != nil {
		return err
	}
	p.labChrome, p.Session = c, s.sessionCookie()
	p.Name, p.Payload = cmp.Or(p.Name, labCookie), cmp.Or(p.Payload, labPayload)
	if p.Key != "" {
		p.Line = opensslLine(hex.EncodeToString(s.Lab.Key()), p.Name, p.Payload)
	}
	if err := s.labExamples(&p); err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "lab-key", p)
}

// labExamples makes one cookie that is signed, and one that is encrypted too.
func (s *site) labExamples(p *labKeyPage) error {
	example := labFresh().Visit()
	plain, err := s.Lab.Encode(labCookie, example)
	if err != nil {
		return fmt.Errorf("signing the lab's example: %w", err)
	}
	sealed, err := s.Lab.Seal(labCookie, example)
	if err != nil {
		return fmt.Errorf("encrypting the lab's example: %w", err)
	}
	p.Plain, err = anatomy.Parse(labCookie, plain)
	if err != nil {
		return fmt.Errorf("taking the lab's example apart: %w", err)
	}
	p.Sealed, err = anatomy.Parse(labCookie, sealed)
	if err != nil {
		return fmt.Errorf("taking the lab's example apart: %w", err)
	}
	return nil
}

// opensslLine returns the line that signs the payload in a POSIX shell.
func opensslLine(key, name, payload string) string {
	return "n=" + quoteShell(name) + " p=$(printf %s " + quoteShell(payload) + ` | openssl base64 -A | tr '+/' '-_') t=$(date +%s); ` +
		`{ printf '%s|%s|' "$t" "$p"; printf '%s|%s|%s' "$n" "$t" "$p" | ` +
		"openssl dgst -sha256 -mac HMAC -macopt hexkey:" + key + ` -binary; } | openssl base64 -A | tr '+/' '-_'; echo`
}
