package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrNotEmpty means that the database to move into is not empty.
var ErrNotEmpty = errors.New("it holds something already: move into a new, empty one")

// ErrOther means that the database to move into failed, and not the one to move from.
var ErrOther = errors.New("the other database")

// Moved is how many rows of a table were moved.
type Moved struct {
	Table string
	Rows  int64
}

// notMoved are the tables that are not moved, because each database has its own rows
// in them.
var notMoved = []string{"goose_db_version", "changes"}

// Move copies all rows of one open database to another, empty one, in one transaction.
// The copy is a snapshot: servers may go on using the first. It returns the number of
// rows per table, after counting them in both databases. Errors: ErrNotEmpty,
// ErrOther, ErrUnavailable.
func Move(ctx context.Context, from, to *DB) ([]Moved, error) {
	m := &mover{from: from, to: to}
	if err := m.begin(ctx); err != nil {
		return nil, errors.Join(err, m.end())
	}
	all, err := m.copyAll(ctx)
	if err == nil {
		err = m.wrote("committing", m.target.Commit())
	}
	return all, errors.Join(err, m.end())
}

// mover is the state of one Move.
type mover struct {
	from, to       *DB
	source, target *sql.Tx
	conn           *sql.Conn // that target runs on
}

// begin begins a transaction on each side, without a request's time limits.
func (m *mover) begin(ctx context.Context) (err error) {
	m.source, err = m.from.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err == nil {
		err = m.from.engine.unlimited(ctx, m.source)
	}
	if err != nil {
		return classify("reading the database", err)
	}
	if m.conn, err = m.to.write.Conn(ctx); err == nil {
		m.target, err = m.conn.BeginTx(ctx, nil)
	}
	if err == nil {
		err = m.to.engine.unlimited(ctx, m.target)
	}
	return m.wrote("beginning to write", err)
}

// wrote is classify for an error of the database to move into. If the disk of its file is
// full, the error names the file.
func (m *mover) wrote(doing string, err error) error {
	if err == nil {
		return nil
	}
	if file, ok := m.to.engine.(*sqliteFile); ok {
		err = noRoom(file.path, err)
	}
	return fmt.Errorf("%w: %w", ErrOther, classify(doing, err))
}

// end rolls back both transactions, unless they are committed.
func (m *mover) end() (err error) {
	for _, tx := range []*sql.Tx{m.source, m.target} {
		if tx != nil {
			_ = tx.Rollback() // after Commit it does nothing
		}
	}
	if m.conn != nil {
		err = m.conn.Close()
	}
	return err
}

func (m *mover) copyAll(ctx context.Context) ([]Moved, error) {
	tables, err := m.tables(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(tables))
	for _, table := range names {
		if err := m.claim(ctx, table); err != nil {
			return nil, fmt.Errorf("the table %s: %w", table, err)
		}
	}
	var all []Moved
	for _, table := range names { // all rows in one transaction: nobody uses the other database yet
		n, err := m.copyTable(ctx, table, tables[table])
		if err != nil {
			return nil, fmt.Errorf("copying the table %s: %w", table, err)
		}
		all = append(all, Moved{table, n})
	}
	return all, nil
}

// tables returns the columns of each table. It is an error if the databases differ in
// them: the values of a missing column would be lost.
func (m *mover) tables(ctx context.Context) (map[string][]string, error) {
	ours, err := columns(ctx, m.source, m.from.engine)
	if err != nil {
		return nil, err
	}
	theirs, err := columns(ctx, m.target, m.to.engine)
	if err != nil {
		return nil, err
	}
	if !maps.EqualFunc(ours, theirs, slices.Equal) {
		return nil, fmt.Errorf("the databases differ: one has %v, the other %v", ours, theirs)
	}
	return ours, nil
}

// columns returns the columns, sorted, of each table that is moved.
func columns(ctx context.Context, tx *sql.Tx, e engine) (map[string][]string, error) {
	names, err := texts(ctx, tx, e.columns())
	if err != nil {
		return nil, classify("reading which tables there are", err)
	}
	all := map[string][]string{}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if table, column, _ := strings.Cut(name, "."); !slices.Contains(notMoved, table) {
			all[table] = append(all[table], column)
		}
	}
	return all, nil
}

// claim locks the table against other writers, and returns ErrNotEmpty when it has
// rows.
func (m *mover) claim(ctx context.Context, table string) error {
	if err := m.to.engine.claim(ctx, m.target, table); err != nil {
		return m.wrote("waiting for those that write", err)
	}
	n, err := count(ctx, m.target, table)
	if err == nil && n > 0 {
		err = ErrNotEmpty
	}
	return err
}

// copyTable copies the table's rows and returns how many there are on both sides.
func (m *mover) copyTable(ctx context.Context, table string, columns []string) (int64, error) {
	rows, err := m.source.QueryContext(ctx, `SELECT `+quoted(columns)+` FROM "`+table+`"`) // #nosec G202 -- the schema's own names
	if err != nil {
		return 0, classify("reading", err)
	}
	defer rows.Close()
	if err := m.to.engine.fill(ctx, m.conn, m.target, table, columns, &values{rows: rows, n: len(columns)}); err != nil {
		return 0, m.wrote("writing", err)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, classify("reading", err)
	}
	was, err := count(ctx, m.source, table)
	if err != nil {
		return 0, err
	}
	is, err := count(ctx, m.target, table)
	if err == nil && is != was {
		err = fmt.Errorf("%d rows became %d", was, is)
	}
	return is, err
}

func count(ctx context.Context, tx *sql.Tx, table string) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM "`+table+`"`).Scan(&n) // #nosec G202 -- the schema's own name
	return n, classify("counting", err)
}
