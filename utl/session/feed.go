package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"glassjar/utl/db"
)

// pollRows is how many changes one query reads.
const pollRows = 1000

// change is what a server must forget: a session, or all those of an account.
type change struct {
	id             int64
	sid, accountID string
}

// feed is where a server stands in the table of changes.
type feed interface {
	// poll takes in what was committed since the last poll. When that cannot be
	// known, the cache begins anew.
	poll(ctx context.Context, now time.Time, c *cache) error
}

func newFeed(d *db.DB) feed {
	if d.Postgres() {
		return &snapshotFeed{db: d}
	}
	return &rowFeed{db: d}
}

// rowFeed is SQLite's: one connection writes, so ids are in the order of commits.
type rowFeed struct {
	db     *db.DB
	newest int64 // that a good poll saw
}

func (f *rowFeed) poll(ctx context.Context, _ time.Time, c *cache) error {
	for more := true; more; {
		var err error
		if more, err = f.page(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// page takes in what changed since the newest change that is known, that one
// included: if it was swept, so were others, perhaps, that nobody here saw, and
// the cache begins anew. It reports whether there may be more.
func (f *rowFeed) page(ctx context.Context, c *cache) (more bool, err error) {
	page, err := db.All(ctx, f.db, scanChange, `SELECT id, sid, account_id FROM changes WHERE id >= ? ORDER BY id LIMIT ?`, f.newest, pollRows)
	if err != nil {
		return false, err
	}
	if len(page) == 0 || page[0].id != f.newest {
		newest, err := db.One(ctx, f.db, db.Int, `SELECT COALESCE(MAX(id), 0) FROM changes`)
		if err == nil {
			c.start()
			f.newest = newest
		}
		return false, err
	}
	for _, ch := range page[1:] {
		c.changed(ch)
		f.newest = ch.id
	}
	return len(page) == pollRows, nil
}

func scanChange(r db.Row) (c change, err error) {
	err = r.Scan(&c.id, &c.sid, &c.accountID)
	return c, err
}

// snapshotFeed is PostgreSQL's: a change is new if the transaction that made it
// was not over in the snapshot of the last poll, however late it commits, and
// whatever the clocks say.
type snapshotFeed struct {
	db       *db.DB
	last     snapshot
	timeline string    // of the write-ahead log: counts up when a standby is promoted
	at       time.Time // of the last good poll
}

// snapshot is which transactions were over: those before xmax that are not open.
type snapshot struct{ xmax, open string }

// parseSnapshot reads PostgreSQL's xmin:xmax:open,open.
func parseSnapshot(text string) snapshot {
	_, text, _ = strings.Cut(text, ":")
	xmax, open, _ := strings.Cut(text, ":")
	return snapshot{xmax, "{" + open + "}"}
}

// snapshotRow is a change, or none, and what every row of a poll says of the
// database.
type snapshotRow struct {
	change

	xid, snapshot, timeline string
}

// serverNow is what every poll asks of PostgreSQL.
const serverNow = `(SELECT CAST(pg_current_snapshot() AS TEXT) AS snapshot, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline) s`

// selectNew finds the changes of transactions that a snapshot did not see, those
// that come after a place among them; where there is none, a row without one.
const selectNew = `SELECT COALESCE(c.id, 0), COALESCE(c.sid, ''), COALESCE(c.account_id, ''), COALESCE(CAST(c.xid AS TEXT), ''), s.snapshot, s.timeline
	FROM ` + serverNow + ` LEFT JOIN changes c
	ON (c.xid >= CAST(CAST(?1 AS TEXT) AS xid8) OR c.xid = ANY (CAST(CAST(?2 AS TEXT) AS xid8[]))) AND (c.xid, c.id) > (CAST(CAST(?3 AS TEXT) AS xid8), ?4)
	ORDER BY c.xid, c.id LIMIT ?5`

func (f *snapshotFeed) poll(ctx context.Context, now time.Time, c *cache) error {
	if away := now.Round(0).Sub(f.at.Round(0)); away.Abs() > keepChange/2 || now.Sub(f.at) > keepChange/2 { // or never
		return f.begin(ctx, now, c)
	}
	place, first := change{}, ""
	for xid := "0"; ; {
		page, err := db.All(ctx, f.db.Reserved(), scanSnapshotRow, selectNew, f.last.xmax, f.last.open, xid, place.id, pollRows)
		if err != nil {
			return err
		}
		if page[0].timeline != f.timeline {
			return f.begin(ctx, now, c)
		}
		if first == "" {
			first = page[0].snapshot
		}
		for _, row := range page {
			if row.xid != "" {
				c.changed(row.change)
				place, xid = row.change, row.xid
			}
		}
		if len(page) < pollRows {
			f.last, f.at = parseSnapshot(first), now
			return nil
		}
	}
}

// begin begins anew: the cache holds nothing of before the snapshot. Where the
// timeline is older than one that was seen, an old primary answers, which knows
// nothing of what has ended since.
func (f *snapshotFeed) begin(ctx context.Context, now time.Time, c *cache) error {
	row, err := db.One(ctx, f.db.Reserved(), scanSnapshotRow, `SELECT 0, '', '', '', s.snapshot, s.timeline FROM `+serverNow)
	if err != nil {
		return err
	}
	if row.timeline < f.timeline {
		return fmt.Errorf("%w: timeline %s answers, but %s was promoted", db.ErrUnavailable, row.timeline, f.timeline)
	}
	c.start()
	f.last, f.timeline, f.at = parseSnapshot(row.snapshot), row.timeline, now
	return nil
}

func scanSnapshotRow(r db.Row) (s snapshotRow, err error) {
	err = r.Scan(&s.id, &s.sid, &s.accountID, &s.xid, &s.snapshot, &s.timeline)
	return s, err
}
