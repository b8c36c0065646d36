package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"glassjar/utl/db"
)

const (
	// MaxAsks is how many new passwords an address may ask for within an hour. IPv6
	// addresses are counted per /64, the smallest network that a customer has.
	MaxAsks = 10

	maxAsked  = 10_000          // requests within an hour from all addresses
	askRest   = 5 * time.Minute // within it an address gets one reset mail only
	askWindow = time.Hour       // of MaxAsks and maxAsked
)

// ErrAsks means that the address, or all together, asked for too many new passwords
// within an hour.
var ErrAsks = errors.New("too many asked for a new password")

// Asked is a request for a new password, by somebody who forgot theirs.
type Asked struct {
	Typed   string // as typed: should be a username or an email address
	At      time.Time
	Address netip.Addr // the client's
	Agent   string     // the browser's User-Agent
}

// askedRow is an Asked whose account was not looked up yet.
type askedRow struct {
	Asked

	id string
}

// Ask stores the request. The sender looks the account up later, so that neither the
// response nor its duration tells whether an account has that name. Errors: ErrAsks,
// db.ErrUnavailable.
func (q *Queue) Ask(ctx context.Context, a Asked) error {
	network, now := networkOf(a.Address), q.Now()
	err := q.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "forgotten:"+network); err != nil {
			return err
		}
		since, until := db.Micros(now.Add(-askWindow)), db.Micros(now.Add(askWindow)) // later than that, a clock was ahead
		n, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM forgotten WHERE network = ? AND created_at > ? AND created_at <= ?`, network, since, until)
		if err == nil && n < MaxAsks {
			n, err = db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM forgotten WHERE created_at > ? AND created_at <= ? LIMIT ?) AS asked`, since, until, maxAsked)
			n -= maxAsked - MaxAsks
		}
		if err == nil && n >= MaxAsks {
			err = ErrAsks
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO forgotten (id, typed, network, address, agent, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
			rand.Text(), typed(a.Typed), network, a.Address.String(), line(a.Agent, 256), db.Micros(now))
		return err
	})
	if err != nil {
		return fmt.Errorf("storing a request for a new password: %w", err)
	}
	q.wakeSender()
	return nil
}

// typed returns the text to store: nothing of a text that is longer than any name.
func typed(text string) string {
	if len(text) > 254 {
		return ""
	}
	return text
}

// networkOf returns what the address is counted under: itself, or its /64.
func networkOf(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		p, _ := a.WithZone("").Prefix(64) // 64 is a valid length, so there is no error
		return p.String()
	}
	return a.String()
}

// processRequests processes the stored requests: resolve returns the mail to send for each. One
// server processes each request, once, and then erases everything but its network.
func (q *Queue) processRequests(ctx context.Context, resolve func(context.Context, Asked) (Message, error)) error {
	all, err := db.All(ctx, q.DB, scanAsked, `SELECT id, typed, created_at, address, agent FROM forgotten WHERE done_at = 0 ORDER BY created_at LIMIT ?`, batch)
	if err != nil {
		return fmt.Errorf("reading requests for a new password: %w", err)
	}
	for _, a := range all {
		m, err := resolve(ctx, a.Asked)
		due := !errors.Is(err, ErrNotDue)
		if err != nil && due {
			return fmt.Errorf("looking up a request for a new password: %w", err)
		}
		if err := q.answer(ctx, a.id, m, due); err != nil {
			return fmt.Errorf("answering a request for a new password: %w", err)
		}
	}
	return nil
}

func scanAsked(r db.Row) (a askedRow, err error) {
	var at int64
	var address string
	err = r.Scan(&a.id, &a.Typed, &at, &address, &a.Agent)
	a.At = db.Time(at)
	a.Address, _ = netip.ParseAddr(address) // Ask stored what String returned
	return a, err
}

// answer marks the request as done and, if the mail is due and the address got no mail
// of its kind within askRest, queues the mail. It does nothing if another server has
// answered the request.
func (q *Queue) answer(ctx context.Context, id string, m Message, due bool) error {
	return q.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE forgotten SET done_at = ?, typed = '', address = '', agent = '' WHERE id = ? AND done_at = 0`, db.Micros(q.Now()), id)
		if err != nil || n == 0 || !due {
			return err
		}
		lately, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM mails WHERE recipient = ? AND kind = ? AND created_at > ?`,
			m.To, string(m.Kind), db.Micros(q.Now().Add(-askRest)))
		if err == nil && lately == 0 {
			_, err = q.Enqueue(ctx, tx, m)
		}
		return err
	})
}
