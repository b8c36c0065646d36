package db

import (
	"context"
	"database/sql"
	"strings"
)

// movable is the part of a move that differs between SQLite and PostgreSQL.
type movable interface {
	// unlimited lifts the limits of a request from the transaction.
	unlimited(ctx context.Context, tx *sql.Tx) error
	// columns returns a query that selects every table.column.
	columns() string
	// claim keeps others from writing into the table until the transaction ends.
	claim(ctx context.Context, tx *sql.Tx, table string) error
	// fill writes the rows, in the transaction on the connection.
	fill(ctx context.Context, conn *sql.Conn, tx *sql.Tx, table string, columns []string, from *values) error
}

// values reads rows of n columns of any type.
type values struct {
	rows *sql.Rows
	n    int
}

// next returns the next row, or nil after the last.
func (v *values) next() ([]any, error) {
	if !v.rows.Next() {
		return nil, v.rows.Err()
	}
	row, at := make([]any, v.n), make([]any, v.n)
	for i := range row {
		at[i] = &row[i]
	}
	return row, v.rows.Scan(at...)
}

// quoted returns the names as SQL lists them.
func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// texts returns the rows of one text each.
func texts(ctx context.Context, in runner, q string, args ...any) (all []string, err error) {
	rows, err := in.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
