// Package audit stores the audit log: what happened to accounts, and who did it. A store
// writes the entry in the transaction that makes the change, so that no change is
// committed without its entry.
package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"glassjar/utl/db"
)

// Actor is whoever does something: a signed-in account, or a visitor who is not signed
// in, whose ID is empty.
type Actor struct {
	ID      string // account id
	Name    string // username, or "command" for the command line
	Address string // client address
	Agent   string // browser's User-Agent
}

// Command returns the actor of glassjar's commands.
func Command() Actor { return Actor{Name: "command"} }

// Event is something that happened to an account.
type Event struct {
	Kind      string // such as signin.ok or session.ended
	AccountID string
	Username  string
	Detail    string
}

// Entry is an Event in the audit log.
type Entry struct {
	Event

	ID int64 // increases with each entry
	At time.Time
	By Actor
}

const (
	// longest is the maximum size in bytes of each text in an entry: visitors choose some.
	longest = 256
	// MaxAttempts is how many refused attempts are stored within 24 hours for one account,
	// and for all names together that no account has. The server's log has all of them.
	MaxAttempts = 200
)

// Record writes the event in the transaction that made it, at the time at. It shortens
// texts as Cap does. Errors: db.ErrUnavailable.
func Record(ctx context.Context, tx *db.Tx, at time.Time, by Actor, e Event) error {
	return insert(ctx, tx, at, by, e, 0)
}

// RecordAttempt is Record for a refused sign-in or app password. It writes nothing if
// MaxAttempts were written for the account within 24 hours; an empty account id stands
// for all names that no account has.
func RecordAttempt(ctx context.Context, tx *db.Tx, at time.Time, by Actor, e Event) error {
	oldest, err := db.One(ctx, tx, db.Int, `SELECT at FROM audit WHERE account_id = ? AND attempt = 1
		ORDER BY id DESC LIMIT 1 OFFSET ?`, e.AccountID, MaxAttempts-1)
	switch {
	case err == nil && at.Sub(db.Time(oldest)).Abs() < 24*time.Hour:
		return nil
	case err != nil && !errors.Is(err, db.ErrNone):
		return fmt.Errorf("recording %s: %w", e.Kind, err)
	}
	return insert(ctx, tx, at, by, e, 1)
}

func insert(ctx context.Context, tx *db.Tx, at time.Time, by Actor, e Event, attempt int) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit
		(at, event, attempt, actor_id, actor, account_id, username, address, agent, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		db.Micros(at), e.Kind, attempt, by.ID, Cap(by.Name), e.AccountID, Cap(e.Username), Cap(by.Address), Cap(by.Agent), Cap(e.Detail))
	if err != nil {
		return fmt.Errorf("recording %s: %w", e.Kind, err)
	}
	return nil
}

const (
	selectAll    = `SELECT id, at, event, actor_id, actor, account_id, username, address, agent, detail FROM audit`
	selectEvents = selectAll + ` WHERE account_id = ?`
)

// Before returns the newest n events of the account that precede the entry with the id,
// newest first. Errors: db.ErrUnavailable.
func Before(ctx context.Context, from db.Querier, accountID string, id int64, n int) ([]Entry, error) {
	return db.All(ctx, from, scan, selectEvents+` AND id < ? ORDER BY id DESC LIMIT ?`, accountID, id, n)
}

// LastDone returns the newest n events of the account, newest first, without refused
// attempts, which strangers can cause. Errors: db.ErrUnavailable.
func LastDone(ctx context.Context, from db.Querier, accountID string, n int) ([]Entry, error) {
	return db.All(ctx, from, scan, selectEvents+` AND attempt = 0 ORDER BY id DESC LIMIT ?`, accountID, n)
}

// LastAttempts returns the newest n refused attempts on the account, newest first.
// Errors: db.ErrUnavailable.
func LastAttempts(ctx context.Context, from db.Querier, accountID string, n int) ([]Entry, error) {
	return db.All(ctx, from, scan, selectEvents+` AND attempt = 1 ORDER BY id DESC LIMIT ?`, accountID, n)
}

// Sweep deletes entries older than before, in batches, as db.Sweep does. Errors:
// db.ErrUnavailable.
func Sweep(ctx context.Context, d *db.DB, before time.Time) error {
	return d.Sweep(ctx, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ? /* FOR UPDATE SKIP LOCKED */)`, db.Micros(before))
}

// Cap returns the text as valid UTF-8 of at most 256 bytes, without NUL, which
// PostgreSQL cannot store in a text.
func Cap(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s[:min(len(s), longest)], ""), "\x00", "")
}

func scan(r db.Row) (e Entry, err error) {
	var at int64
	err = r.Scan(&e.ID, &at, &e.Kind, &e.By.ID, &e.By.Name, &e.AccountID, &e.Username, &e.By.Address, &e.By.Agent, &e.Detail)
	e.At = db.Time(at)
	return e, err
}
