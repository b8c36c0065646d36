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

// TicketLife is how long a ticket is good.
const TicketLife = 30 * time.Second

// nonceLife is how long a browser keeps a nonce: a ticket's life, and the way
// to it.
const nonceLife = 2 * TicketLife

// expiredRows is how many expired tickets a new one deletes at most: more than
// come with it, so that they never pile up.
const expiredRows = 10

// ErrTicket means that no ticket has the code, or that it was used, has
// expired, or that its session ended: which of them is not told.
var ErrTicket = errors.New("the ticket is not good, or not any more")

// Ticket lets one browser become the session's on the host of the URL that it
// leads on to. One that is open lets none: it has a browser ask for its own.
type Ticket struct {
	Session Session
	URL     string
	nonce   string // hash of what the browser holds
	sid     string
	expires time.Time
}

// Open reports whether the ticket was made without a nonce.
func (t Ticket) Open() bool { return t.nonce == "" }

// For reports whether the request is the browser's that the ticket is for, and
// holds its nonce at the place. Who else was sent the ticket does not.
func (t Ticket) For(r *http.Request, at Place) bool {
	return slices.ContainsFunc(named(nil, r.Header["Cookie"], at.nonce()), func(sent string) bool {
		return isNonce(sent) && hashTicket(sent) == t.nonce
	})
}

// nonce returns the name of the cookie that holds a browser's nonce there.
func (p Place) nonce() string { return p.name() + "-next" }

// SendNonce has the browser hold a nonce at the place for a minute, and returns
// what tickets for that browser are made with. One that holds a nonce already
// goes on with it: it may open several pages at once.
func (p Place) SendNonce(w http.ResponseWriter, r *http.Request) (hash string) {
	nonce := rand.Text()
	sent := named(nil, r.Header["Cookie"], p.nonce())
	if i := slices.IndexFunc(sent, isNonce); i >= 0 {
		nonce = sent[i]
	}
	http.SetCookie(w, sessions.NewCookie(p.nonce(), nonce, &sessions.Options{
		Path: "/", MaxAge: int(nonceLife / time.Second), HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode,
	}))
	return hashTicket(nonce)
}

// isNonce reports whether the text has the form of rand.Text's.
func isNonce(text string) bool {
	return len(text) == 26 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// NewTicket makes a ticket for the session, the URL and the browser with the
// nonce, which is as SendNonce returned it, or empty. Errors: db.ErrUnavailable.
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

// Redeem uses the ticket up, and returns it with its live session. Whether it
// is for the browser that brought it, For tells. Of several at once one
// succeeds. Errors: ErrTicket, db.ErrUnavailable.
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

// hashTicket returns what is kept of a ticket's code or nonce, which are random.
func hashTicket(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
