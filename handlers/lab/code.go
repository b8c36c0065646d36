package lab

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
)

const (
	secretBytes = 20 // the length of an HMAC-SHA-1, recommended by RFC 4226, section 4
	oldSteps    = 20 // how many past steps the lab searches, to say that a code has expired

	stepSeconds = int(anatomy.CodeStep / time.Second)
)

// CodePage is the data of /lab/code.
type CodePage struct {
	stepLayout

	Secret             string // in base32, in groups of four
	QR                 qrCode
	Before, Now, After anatomy.Code
	Seconds            string // since 1970
	Left, Of           int    // seconds until the next code

	Typed   string
	Verdict verdictView
}

// Count returns the number of the time step.
func (p CodePage) Count() string { return thousands(int(p.Now.Step)) }

// CounterHex returns the number of the step as 8 bytes in hex, the input of the HMAC.
func (p CodePage) CounterHex() string { return fmt.Sprintf("% x", p.Now.Counter) }

// MAC returns the HMAC in runs: the four bytes to which the last half byte points, that
// half byte, and the rest.
func (p CodePage) MAC() []macRun {
	text, at := fmt.Sprintf("% x", p.Now.MAC), 3*p.Now.Offset
	return []macRun{{"", text[:at]}, {"p", text[at : at+11]}, {"", text[at+11 : 58]}, {"t", text[58:]}}
}

// macRun is a run of hex digits of an HMAC, with the CSS class of its kind.
type macRun struct{ Class, Text string }

// Offset returns where the four bytes begin, as the hex digit of the last half byte.
func (p CodePage) Offset() string { return strconv.FormatInt(int64(p.Now.Offset), 16) }

// Four returns the four bytes.
func (p CodePage) Four() string { return fmt.Sprintf("% x", p.Now.MAC[p.Now.Offset:p.Now.Offset+4]) }

// Number returns the four bytes as a number, without the highest bit.
func (p CodePage) Number() string { return thousands(int(p.Now.Number)) }

// Head returns the digits of Number that are dropped.
func (p CodePage) Head() string {
	return strings.TrimSuffix(fmt.Sprintf("%06d", p.Now.Number), p.Now.Digits)
}

// Code answers GET /lab/code: a secret for this visit, and its current six digits. The
// first visit creates the secret.
func (s *Room) Code(w http.ResponseWriter, r *http.Request) error {
	return s.showCode(w, r, nil)
}

// CodeSubmit answers POST /lab/code: what a server decides about a code, and why.
func (s *Room) CodeSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "code")
	if err != nil {
		return err
	}
	typed := form.Get("code")
	return s.showCode(w, r, &typed)
}

func (s *Room) showCode(w http.ResponseWriter, r *http.Request, typed *string) error {
	c, err := s.layout(w, r, "code")
	if err != nil {
		return err
	}
	secret := c.visit.codeSecret()
	text := codeBase32.EncodeToString(secret)
	now := s.Now()
	step := anatomy.StepAt(now)
	p := CodePage{
		stepLayout: c, Secret: web.InFours(text),
		Before: anatomy.NewCode(secret, step-1), Now: anatomy.NewCode(secret, step), After: anatomy.NewCode(secret, step+1),
		Seconds: thousands(int(now.Unix())), Of: stepSeconds, Left: stepSeconds - int(now.Unix()%int64(stepSeconds)),
	}
	if p.QR, err = newQRCode(keyURI(text, s.PublicURL.Hostname())); err != nil {
		return err
	}
	if typed != nil {
		if p.Verdict = checkCode(c.visit, *typed, now); len(*typed) <= anatomy.MaxTyped {
			p.Typed = *typed
		}
	}
	return s.renderVisit(w, http.StatusOK, "lab-code", c.visit, p)
}

var codeBase32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// codeSecret returns the visit's secret, which it creates if there is none.
func (v *visit) codeSecret() []byte {
	secret, ok := v.keptSecret()
	if !ok {
		secret = make([]byte, secretBytes)
		rand.Read(secret) // never returns an error
		v.set("secret", codeBase32.EncodeToString(secret))
	}
	return secret
}

// keptSecret returns the visit's secret, and reports whether there is one.
func (v *visit) keptSecret() ([]byte, bool) {
	secret, err := codeBase32.DecodeString(v.Get("secret"))
	return secret, err == nil && len(secret) == secretBytes
}

// keyURI returns the otpauth: URI that authenticator apps read from a QR code.
func keyURI(secret, host string) string {
	return "otpauth://totp/" + url.PathEscape("glassjar lab:"+host) + "?secret=" + secret + "&issuer=glassjar%20lab"
}

// checkCode returns the server's decision about a code, and stores the step of a right one.
func checkCode(v *visit, typed string, now time.Time) verdictView {
	digits := anatomy.CleanCode(typed)
	if !anatomy.IsDigits(digits) {
		return codeRefused(sentence("A code is six digits. Spaces and dashes between them do no harm."),
			verdictStep{"no", "Not six digits"}, verdictStep{"skip-it", "Belongs to a step: not looked at"}, verdictStep{"skip-it", "Used already: not looked at"})
	}
	secret, step := v.codeSecret(), anatomy.StepAt(now)
	six := verdictStep{"", "Six digits"}
	for _, near := range []struct {
		step int64
		name string
	}{{step, "now"}, {step - 1, "the one before"}, {step + 1, "the one after"}} {
		if anatomy.NewCode(secret, near.step).Digits != digits {
			continue
		}
		belongs := verdictStep{"", "Belongs to a step: " + near.name}
		if last, at, used := v.useStep(near.step, now); used {
			why := "It is the right code, and you used it " + ago(now.Sub(at)) + ". Somebody who looked over your shoulder types the same."
			if last > near.step {
				why = "It is a right code, but you used a later one " + ago(now.Sub(at)) + ". After that no earlier one is taken."
			}
			return codeRefused(sentence(why), six, belongs, verdictStep{"no", "Used already, or older than one that was"})
		}
		return verdictView{
			Title: "Accepted", Steps: []verdictStep{six, belongs, {"", "Not used yet: it is now"}},
			Why: sentence("Nobody else can know it but who has the secret. Now send the same again."),
		}
	}
	why := "It is none of the three codes that are good just now: clocks may differ by half a minute."
	for back := range int64(oldSteps) {
		if anatomy.NewCode(secret, step-2-back).Digits == digits {
			why = "It was good until " + ago(now.Sub(time.Unix((step-back)*int64(stepSeconds), 0))) + ". Who finds it later finds nothing." // until the step after its own was over
			break
		}
	}
	return codeRefused(sentence(why), six, verdictStep{"no", "Belongs to no step that is near"}, verdictStep{"skip-it", "Used already: not looked at"})
}

func codeRefused(why []span, made ...verdictStep) verdictView {
	return verdictView{Title: "Refused", Bad: true, Why: why, Steps: made}
}

// useStep stores that the step's code is used now. If that code or a later one was used
// before, it returns the step of that one and when. A server stores this with the account;
// the lab stores it in the cookie.
func (v *visit) useStep(step int64, now time.Time) (last int64, at time.Time, used bool) {
	before, when, _ := strings.Cut(v.Get("used"), "@")
	last, err := strconv.ParseInt(before, 10, 64)
	seconds, err2 := strconv.ParseInt(when, 10, 64)
	if cmp.Or(err, err2) == nil && step <= last {
		return last, time.Unix(seconds, 0), true
	}
	v.set("used", fmt.Sprintf("%d@%d", step, now.Unix()))
	return 0, time.Time{}, false
}

// ago formats how long ago something was.
func ago(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return web.Span(d) + " ago"
}
