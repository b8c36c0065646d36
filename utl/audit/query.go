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
	// PageRows is how many entries Page returns at most.
	PageRows = 50
	// batchRows is how many entries Each reads at once.
	batchRows = 500
)

// Query is which entries Page and Each return. An empty field leaves none out.
type Query struct {
	Who    string    // a username: whom it happened to, or who did it
	Kind   string    // such as signin.ok
	Day    time.Time // any time of the day in UTC
	Before int64     // the id of the entry that the page follows; 0: the newest come first
}

// Page returns the entries of the query, newest first: at most PageRows, and one
// more when others follow. An entry to follow that is forgotten by now has none
// after it.
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

// Each calls fn for every entry of the query, newest first, until fn fails. It
// holds nothing of the database while fn runs.
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

// cursor is where an entry stands in the order of time.
type cursor struct{ at, id int64 }

// start returns the place that the query's entries follow. Errors: db.ErrNone.
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

// read returns n entries after the place. Whatever the query says, an index has
// them in this order.
func (q Query) read(ctx context.Context, from db.Querier, after cursor, n int) ([]Entry, error) {
	const newest = ` ORDER BY at DESC, id DESC LIMIT ?`
	where, args := q.where(after)
	if q.Who == "" {
		return db.All(ctx, from, scan, selectAll+` WHERE`+where+newest, append(args, n)...)
	}
	// Each half by its own index; an entry that is in both comes once.
	half := func(column string) string {
		return `SELECT * FROM (` + selectAll + ` WHERE ` + column + ` = ? AND` + where + newest + `) AS by_` + column
	}
	args = append(append([]any{q.Who}, args...), n)
	return db.All(ctx, from, scan, half("username")+` UNION `+half("actor")+newest, append(append(args, args...), n)...)
}

// where returns the condition of the entries after the place, whomever they are
// about, and its arguments.
func (q Query) where(after cursor) (text string, args []any) {
	if q.Kind != "" {
		text, args = ` event = ? AND`, []any{q.Kind}
	}
	if !q.Day.IsZero() {
		day := q.Day.UTC().Truncate(24 * time.Hour)
		text += ` at >= ? AND`
		args = append(args, db.Micros(day))
		if end := db.Micros(day.AddDate(0, 0, 1)); after.at >= end { // SQLite seeks by one upper bound: the lower of the two
			after = cursor{end, 0}
		}
	}
	return text + ` (at, id) < (?, ?)`, append(args, after.at, after.id)
}
