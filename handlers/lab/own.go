package lab

import (
	"net/http"
	"strings"
	"time"

	"glassjar/utl/anatomy"
	"glassjar/utl/visible"
)

const (
	shownLetters = 10 // characters of a session cookie's signature: at most 60 of its 256 bits
	shownSID     = 6  // characters of a sid, enough to distinguish two
)

// ownCookie is the visitor's own session cookie, parsed. Most of its signature is masked.
type ownCookie struct {
	Name    string
	Pieces  []anatomy.Piece
	Entries []entryRow
	SID     string // its first characters
	Before  string // those of the previous session, if the visitor saw it here

	signed time.Time
}

// Date returns the day on which the cookie was signed.
func (c ownCookie) Date() string { return c.signed.Format("2 Jan 2006") }

// Time returns the time of day at which the cookie was signed.
func (c ownCookie) Time() string { return c.signed.Format("15:04:05 UTC") }

// parseOwnCookie returns the session cookie in the request, or nil if nobody is signed
// in, or if there are several. The site verified it; the lab has no key for that, so it
// cannot know which one of several counts.
func (s *Room) parseOwnCookie(r *http.Request, c stepLayout) (*ownCookie, error) {
	sent := r.CookiesNamed(s.SessionCookie())
	if c.Me.ID == "" || len(sent) != 1 {
		return nil, nil
	}
	parsed, err := anatomy.Parse(s.SessionCookie(), sent[0].Value)
	if err != nil {
		return nil, err
	}
	d, err := parsed.Dictionary()
	if err != nil {
		return nil, err
	}
	own := &ownCookie{Name: parsed.Name, Pieces: maskSignature(parsed.Pieces()), Entries: entryRows(d)}
	own.signed, _ = parsed.Signed()
	own.SID = d.Get("sid")[:min(shownSID, len(d.Get("sid")))]
	if seen := c.visit.Get("sid"); seen != own.SID {
		c.visit.set("before", seen)
		c.visit.set("sid", own.SID)
	}
	own.Before = c.visit.Get("before")
	return own, nil
}

// maskSignature returns the pieces with most of the signature masked.
func maskSignature(pieces []anatomy.Piece) []anatomy.Piece {
	var all []anatomy.Piece
	for _, p := range pieces {
		if p.Part == "signature" {
			return append(all, anatomy.Piece{Part: p.Part, Text: p.Text[:min(shownLetters, len(p.Text))] + visible.Mask})
		}
		all = append(all, p)
	}
	return all
}

// ElsewherePage is the data of /lab/elsewhere.
type ElsewherePage struct {
	stepLayout

	Foreign      bool   // whether the page was requested with another host than the site's
	Name, Target string // the two hosts
	Action, Back string // URLs of the form and of the link
	Other        string // URL of the same page on another host; may be empty
}

// Elsewhere answers GET /lab/elsewhere: on another loopback name than the site's it is
// another site's page, with a form for this site. Only its policy allows a form to
// another origin.
func (s *Room) Elsewhere(w http.ResponseWriter, r *http.Request) error {
	c, err := s.layout(w, r, "cookie")
	if err != nil {
		return err
	}
	p := ElsewherePage{
		stepLayout: c, Name: r.Host, Target: s.PublicURL.Host, Foreign: !strings.EqualFold(r.Host, s.PublicURL.Host), Other: s.OtherName(r),
		Action: s.PublicURL.JoinPath("lab/session").String(), Back: s.PublicURL.JoinPath("lab/cookie").String(),
	}
	if p.Other != "" {
		p.Other += "/lab/elsewhere"
	}
	if p.Foreign {
		h := w.Header()
		h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "form-action 'self'", "form-action "+s.PublicURL.Scheme+"://"+s.PublicURL.Host, 1))
	}
	return s.renderVisit(w, http.StatusOK, "lab-elsewhere", c.visit, p)
}
