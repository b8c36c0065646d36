package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"glassjar/utl/db"
)

const (
	// PageRows is how many entries a page of Page has.
	PageRows = 50
	// batchRows is how many entries Each reads at a time.
	batchRows = 500
)

// Query selects entries: those that match all its fields. An empty field matches all.
type Query struct {
	Who    string    // a username: the account's, or the actor's
	Kind   string    // such as signin.ok
	Day    time.Time // any time within the day in UTC
	Before int64     // the id of the last entry of the page before; 0: start with the newest
}

// Page returns the entries that match the query, newest first: at most PageRows, plus
// one if more follow. If the entry q.Before was deleted, there are none. Errors:
// db.ErrUnavailable.
func Page(ctx context.Context, from db.Querier, q Query) ([]Entry, error) {
	after, err := q.start(ctx, from)
	if errors.Is(err, db.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return q.read(ctx, from, after, PageRows+1)
}

// Each calls fn for every entry that matches the query, newest first, until fn returns
// an error. It holds no transaction or connection while fn runs. Errors: fn's,
// db.ErrUnavailable.
func Each(ctx context.Context, from db.Querier, q Query, fn func(Entry) error) error {
	after, err := q.start(ctx, from)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	for err == nil {
		var all []Entry
		if all, err = q.read(ctx, from, after, batchRows); err != nil || len(all) == 0 {
			break
		}
		for _, e := range all {
			if err := fn(e); err != nil {
				return err
			}
		}
		last := all[len(all)-1]
		after = cursor{db.Micros(last.At), last.ID}
	}
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	return nil
}

// cursor is an entry's position in the order by time, then by id.
type cursor struct{ at, id int64 }

// start returns the position after which the query's entries start. Errors: db.ErrNone.
func (q Query) start(ctx context.Context, from db.Querier) (cursor, error) {
	if q.Before == 0 {
		return cursor{math.MaxInt64, math.MaxInt64}, nil
	}
	at, err := db.One(ctx, from, scanAt, `SELECT at FROM audit WHERE id = ?`, q.Before)
	return cursor{at, q.Before}, err
}

func scanAt(r db.Row) (at int64, err error) {
	err = r.Scan(&at)
	return at, err
}

// read returns n entries after the position. For every query an index has them in this
// order.
func (q Query) read(ctx context.Context, from db.Querier, after cursor, n int) ([]Entry, error) {
	const newest = ` ORDER BY at DESC, id DESC LIMIT ?`
	where, args := q.where(after)
	if q.Who == "" {
		return db.All(ctx, from, scan, selectAll+` WHERE`+where+newest, append(args, n)...)
	}
	// One SELECT per column, each with its own index. UNION removes entries that both return.
	half := func(column string) string {
		return `SELECT * FROM (` + selectAll + ` WHERE ` + column + ` = ? AND` + where + newest + `) AS by_` + column
	}
	args = append(append([]any{q.Who}, args...), n)
	return db.All(ctx, from, scan, half("username")+` UNION `+half("actor")+newest, append(append(args, args...), n)...)
}

// where returns the SQL condition for entries after the position, without q.Who, and its
// arguments.
func (q Query) where(after cursor) (text string, args []any) {
	if q.Kind != "" {
		text, args = ` event = ? AND`, []any{q.Kind}
	}
	if !q.Day.IsZero() {
		day := q.Day.UTC().Truncate(24 * time.Hour)
		text += ` at >= ? AND`
		args = append(args, db.Micros(day))
		if end := db.Micros(day.AddDate(0, 0, 1)); after.at >= end { // one upper bound, the lower of the two: SQLite's index search uses only one
			after = cursor{end, 0}
		}
	}
	return text + ` (at, id) < (?, ?)`, append(args, after.at, after.id)
}
