// Package audit keeps what happened and who did it. A store writes its rows in
// the transaction that makes the change, so nothing changes unlogged.
package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"glassjar/utl/db"
)

// Actor is who does something: a signed-in account, or a stranger, whose ID
// is empty.
type Actor struct {
	ID      string // account id
	Name    string // username, or "command" for the command line
	Address string // client address
	Agent   string // browser's User-Agent
}

// Command is the actor of glassjar's own commands.
func Command() Actor { return Actor{Name: "command"} }

// Event is something that happened to an account.
type Event struct {
	Kind      string // such as signin.ok or session.ended
	AccountID string
	Username  string
	Detail    string
}

// Entry is a kept event.
type Entry struct {
	Event

	At time.Time
	By Actor
}

// longest is the most bytes that a visitor's text may take in a row.
const longest = 256

// Record adds the event to the transaction that made it. Texts are capped.
func Record(ctx context.Context, tx *db.Tx, at time.Time, by Actor, e Event) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit
		(at, event, actor_id, actor, account_id, username, address, agent, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		db.Micros(at), e.Kind, by.ID, Cap(by.Name), e.AccountID, Cap(e.Username), Cap(by.Address), Cap(by.Agent), Cap(e.Detail))
	if err != nil {
		return fmt.Errorf("recording %s: %w", e.Kind, err)
	}
	return nil
}

// Last returns the newest n events that happened to the account.
func Last(ctx context.Context, from db.Querier, accountID string, n int) ([]Entry, error) {
	return db.All(ctx, from, scan, `SELECT at, event, actor_id, actor, account_id, username, address, agent, detail
		FROM audit WHERE account_id = ? ORDER BY at DESC LIMIT ?`, accountID, n)
}

// Sweep forgets what happened before the given time.
func Sweep(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM audit WHERE at < ?`, db.Micros(before))
	return err
}

// Cap returns the text as valid UTF-8 of at most 256 bytes.
func Cap(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), longest)], "")
}

func scan(r db.Row) (e Entry, err error) {
	var at int64
	err = r.Scan(&at, &e.Kind, &e.By.ID, &e.By.Name, &e.AccountID, &e.Username, &e.By.Address, &e.By.Agent, &e.Detail)
	e.At = db.Time(at)
	return e, err
}
