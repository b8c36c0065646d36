package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"glassjar/utl/db"
)

// TicketLife is how long a ticket is valid.
const TicketLife = 30 * time.Second

// nonceLife is how long a browser keeps a nonce: a ticket's life, and as long again
// to get one.
const nonceLife = 2 * TicketLife

// expiredRows is how many expired tickets making a new one deletes at most, so that
// they cannot pile up.
const expiredRows = 10

// ErrTicket means that no ticket has the code, that it was used or has expired, or
// that its session ended. Callers are not told which.
var ErrTicket = errors.New("the ticket is not valid, or no longer valid")

// Ticket hands a session over to the host of URL. A ticket that is bound to a nonce
// is accepted from the browser that holds the nonce. An open one, without a nonce,
// signs nobody in: the browser is sent for a nonce and a bound ticket.
type Ticket struct {
	Session Session
	URL     string
	nonce   string // hash of the browser's nonce; empty: the ticket is open
	sid     string
	expires time.Time
}

// Open reports whether the ticket was made without a nonce.
func (t Ticket) Open() bool { return t.nonce == "" }

// MatchesBrowser reports whether the request carries the nonce that the ticket is bound to, in
// the scope's nonce cookie. Whoever else was sent the ticket's code does not.
func (t Ticket) MatchesBrowser(r *http.Request, at CookieScope) bool {
	return slices.ContainsFunc(cookiesNamed(nil, r.Header["Cookie"], at.nonceCookie()), func(sent string) bool {
		return isNonce(sent) && hashTicket(sent) == t.nonce
	})
}

// nonceCookie returns the name of the scope's nonce cookie.
func (p CookieScope) nonceCookie() string { return p.name() + "-next" }

// SendNonce gives the browser a nonce for a minute, in the scope's nonce cookie,
// and returns its hash, for NewTicket. A browser that has a nonce keeps it: it may
// open several pages at once.
func (p CookieScope) SendNonce(w http.ResponseWriter, r *http.Request) (hash string) {
	nonce := rand.Text()
	sent := cookiesNamed(nil, r.Header["Cookie"], p.nonceCookie())
	if i := slices.IndexFunc(sent, isNonce); i >= 0 {
		nonce = sent[i]
	}
	http.SetCookie(w, sessions.NewCookie(p.nonceCookie(), nonce, &sessions.Options{
		Path: "/", MaxAge: int(nonceLife / time.Second), HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode,
	}))
	return hashTicket(nonce)
}

// isNonce reports whether the text looks like one of rand.Text.
func isNonce(text string) bool {
	return len(text) == 26 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// NewTicket makes a ticket for the session and the URL, bound to the nonce with the
// hash that SendNonce returned, or open if it is empty. Errors: db.ErrUnavailable.
func (s *Store) NewTicket(ctx context.Context, found Session, url, nonce string) (code string, err error) {
	code, now := rand.Text(), s.opt.Now()
	err = s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM tickets WHERE code_hash IN
			(SELECT code_hash FROM tickets WHERE expires_at <= ? LIMIT ? /* FOR UPDATE SKIP LOCKED */)`, db.Micros(now), expiredRows); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO tickets (code_hash, sid, url, nonce_hash, expires_at) VALUES (?, ?, ?, ?, ?)`,
			hashTicket(code), found.SID, url, nonce, db.Micros(now.Add(TicketLife)))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("making a ticket: %w", err)
	}
	return code, nil
}

// Redeem uses the ticket up, and returns it with its live session. The caller must
// check with For that it is this browser's. Of concurrent calls one succeeds.
// Errors: ErrTicket, db.ErrUnavailable.
func (s *Store) Redeem(ctx context.Context, code string) (t Ticket, err error) {
	err = s.opt.DB.Tx(ctx, func(tx *db.Tx) (err error) {
		t, err = db.One(ctx, tx, scanTicket, `DELETE FROM tickets WHERE code_hash = ? RETURNING sid, url, nonce_hash, expires_at`, hashTicket(code))
		return err
	})
	if errors.Is(err, db.ErrNone) || err == nil && !s.opt.Now().Before(t.expires) {
		return Ticket{}, ErrTicket
	}
	if err != nil {
		return Ticket{}, fmt.Errorf("using a ticket: %w", err)
	}
	if t.Session, err = s.live(ctx, t.sid); errors.Is(err, ErrNone) {
		err = ErrTicket
	}
	return t, err
}

func scanTicket(r db.Row) (t Ticket, err error) {
	var expires int64
	err = r.Scan(&t.sid, &t.URL, &t.nonce, &expires)
	t.expires = db.Time(expires)
	return t, err
}

// hashTicket returns the stored form of a ticket's code or nonce. Both are random,
// so a plain SHA-256 does.
func hashTicket(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
