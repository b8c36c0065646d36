package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"glassjar/utl/db"
)

// pollRows is how many changes one query reads at most.
const pollRows = 1000

// change is an invalidation that every server must apply: of one session, or of
// all sessions of an account.
type change struct {
	id             int64
	sid, accountID string
}

// feed reads the table of changes from where the last poll stopped.
type feed interface {
	// poll applies to the cache what was committed since the last poll. When that
	// cannot be known, it resets the cache.
	poll(ctx context.Context, now time.Time, c *cache) error
}

func newFeed(d *db.DB) feed {
	if d.Postgres() {
		return &snapshotFeed{db: d}
	}
	return &rowFeed{db: d}
}

// rowFeed is SQLite's feed: one connection writes, so ids are in commit order.
type rowFeed struct {
	db     *db.DB
	newest int64 // id of the newest change that was applied
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

// page applies the next changes. It reads from the newest known change on, that one
// included: if the sweep has deleted it, later ones may have been deleted unseen
// too, and the cache is reset. It reports whether there may be more.
func (f *rowFeed) page(ctx context.Context, c *cache) (more bool, err error) {
	page, err := db.All(ctx, f.db, scanChange, `SELECT id, sid, account_id FROM changes WHERE id >= ? ORDER BY id LIMIT ?`, f.newest, pollRows)
	if err != nil {
		return false, err
	}
	if len(page) == 0 || page[0].id != f.newest {
		newest, err := db.One(ctx, f.db, db.Int, `SELECT COALESCE(MAX(id), 0) FROM changes`)
		if err == nil {
			c.reset()
			f.newest = newest
		}
		return false, err
	}
	for _, ch := range page[1:] {
		c.apply(ch)
		f.newest = ch.id
	}
	return len(page) == pollRows, nil
}

func scanChange(r db.Row) (c change, err error) {
	err = r.Scan(&c.id, &c.sid, &c.accountID)
	return c, err
}

// snapshotFeed is PostgreSQL's feed: a change is new if its transaction was not yet
// finished in the snapshot of the last poll. So a late commit is not missed, and no
// clock counts.
type snapshotFeed struct {
	db       *db.DB
	last     snapshot
	timeline string    // of the write-ahead log: incremented when a standby is promoted
	at       time.Time // of the last successful poll
}

// snapshot tells which transactions were finished: those before xmax that are not
// in open.
type snapshot struct{ xmax, open string }

// parseSnapshot reads PostgreSQL's xmin:xmax:open,open.
func parseSnapshot(text string) snapshot {
	_, text, _ = strings.Cut(text, ":")
	xmax, open, _ := strings.Cut(text, ":")
	return snapshot{xmax, "{" + open + "}"}
}

// snapshotRow is a change, or the zero change, with the snapshot and the timeline
// of the poll.
type snapshotRow struct {
	change

	xid, snapshot, timeline string
}

// serverNow selects PostgreSQL's present snapshot and timeline.
const serverNow = `(SELECT CAST(pg_current_snapshot() AS TEXT) AS snapshot, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline) s`

// selectNew selects the changes of transactions that were not finished in a
// snapshot, after the (xid, id) of the last page; if there are none, one row with
// the zero change.
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
				c.apply(row.change)
				place, xid = row.change, row.xid
			}
		}
		if len(page) < pollRows {
			f.last, f.at = parseSnapshot(first), now
			return nil
		}
	}
}

// begin resets the cache and starts at the present snapshot. A timeline older than
// one seen before means that an old primary answers, which does not know what has
// ended since the promotion: that is an error.
func (f *snapshotFeed) begin(ctx context.Context, now time.Time, c *cache) error {
	row, err := db.One(ctx, f.db.Reserved(), scanSnapshotRow, `SELECT 0, '', '', '', s.snapshot, s.timeline FROM `+serverNow)
	if err != nil {
		return err
	}
	if row.timeline < f.timeline {
		return fmt.Errorf("%w: timeline %s answers, but %s was promoted", db.ErrUnavailable, row.timeline, f.timeline)
	}
	c.reset()
	f.last, f.timeline, f.at = parseSnapshot(row.snapshot), row.timeline, now
	return nil
}

func scanSnapshotRow(r db.Row) (s snapshotRow, err error) {
	err = r.Scan(&s.id, &s.sid, &s.accountID, &s.xid, &s.snapshot, &s.timeline)
	return s, err
}
