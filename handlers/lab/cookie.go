package lab

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
)

// CookiePage is the data of /lab/cookie.
type CookiePage struct {
	stepLayout

	Cookie  anatomy.Cookie // the cookie in the browser
	Entries []entryRow
	Refused error // why another cookie that the browser sent was refused
	Secure  bool
	Age     string

	Tries       []example
	Name, Value string // as in the form
	Verdict     verdictView

	Own       *ownCookie // nil: nobody is signed in, or several cookies were sent
	Session   string     // the session cookie's name
	Several   int        // number of session cookies that somebody who is signed in sent, if more than one
	Elsewhere string     // URL of another site's page with a form for this site; may be empty
	OtherForm string     // such a page as HTML, to save as a file
}

// example is a button that sends a modified cookie.
type example struct{ Label, Name, Value string }

// Date returns the day on which the cookie was signed.
func (p CookiePage) Date() string { return p.signed("2 Jan 2006") }

// Time returns the time of day at which the cookie was signed.
func (p CookiePage) Time() string { return p.signed("15:04:05 UTC") }

func (p CookiePage) signed(layout string) string {
	at, _ := p.Cookie.Signed()
	return at.Format(layout)
}

// Hex returns the first and last bytes of the signature, in hex.
func (p CookiePage) Hex() string {
	sum := p.Cookie.Signature.Text
	return fmt.Sprintf("% x … % x", sum[:4], sum[len(sum)-4:])
}

// Cookie answers GET /lab/cookie: the lab's cookie in this browser, with its parts.
func (s *Room) Cookie(w http.ResponseWriter, r *http.Request) error {
	return s.showCookie(w, r, nil)
}

// CookieSubmit answers POST /lab/cookie: the server's decision about the name and the
// value that were sent.
func (s *Room) CookieSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r) // no fields are named, because anything may be pasted
	if err != nil {
		return err
	}
	return s.showCookie(w, r, &example{Name: cmp.Or(form.Get("name"), cookieName), Value: form.Get("value")})
}

func (s *Room) showCookie(w http.ResponseWriter, r *http.Request, try *example) error {
	c, err := s.layout(w, r, "cookie")
	if err != nil {
		return err
	}
	held, err := s.ensureCookie(w, r)
	if err != nil {
		return err
	}
	p := CookiePage{
		stepLayout: c, Cookie: held.Cookie, Entries: entryRows(held.entries), Refused: held.Err, Secure: s.PublicURL.Scheme == "https",
		Tries: s.examples(held), Name: cookieName, Value: held.Cookie.Value, Session: s.SessionCookie(),
	}
	if at, ok := held.Cookie.Signed(); ok {
		p.Age = web.Span(s.Now().Sub(at))
	}
	if p.Own, err = s.parseOwnCookie(r, c); err != nil {
		return err
	}
	if sent := len(r.CookiesNamed(s.SessionCookie())); c.Me.ID != "" && sent > 1 {
		p.Several = sent
	}
	if p.Elsewhere = s.OtherName(r); p.Elsewhere != "" {
		p.Elsewhere += "/lab/elsewhere"
	}
	p.OtherForm = `<form method="post" action="` + s.PublicURL.JoinPath("lab/session").String() + `"><button name="do" value="clear">Win a prize</button></form>`
	if try != nil {
		p.Name, p.Value = try.Name, try.Value
		p.Verdict = s.verdict(held.Cookie, try.Name, strings.TrimSpace(try.Value))
	}
	return s.renderVisit(w, http.StatusOK, "lab-cookie", p.visit, p)
}

// examples returns the buttons: the cookie with another role, with a date of a year ago,
// under another name, and unchanged. Only the second is signed, to show that an old
// cookie is refused.
func (s *Room) examples(held signedCookie) []example {
	admin := held.Cookie.ReplacePayload(held.entries.Set("role", "admin"))
	old := s.Lab.Sign(cookieName, held.entries.String(), s.Now().Add(-365*24*time.Hour))
	return []example{
		{"Make me admin", cookieName, admin},
		{"Make it a year old", cookieName, old},
		{"Swap its name", s.SessionCookie(), held.Cookie.Value},
		{"Start over", cookieName, held.Cookie.Value},
	}
}
