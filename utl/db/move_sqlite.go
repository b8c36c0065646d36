package db

import (
	"context"
	"database/sql"
	"strings"
)

func (f *sqliteFile) unlimited(context.Context, *sql.Tx) error { return nil }

// columns leaves out the tables of SQLite and Litestream themselves.
func (f *sqliteFile) columns() string {
	return `SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
		AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name NOT LIKE '\_litestream\_%' ESCAPE '\'`
}

// claim does nothing: the transaction holds the file's only write lock.
func (f *sqliteFile) claim(context.Context, *sql.Tx, string) error { return nil }

func (f *sqliteFile) fill(ctx context.Context, _ *sql.Conn, tx *sql.Tx, table string, columns []string, from *values) error {
	insert, err := tx.PrepareContext(ctx, `INSERT INTO "`+table+`" (`+quoted(columns)+`) VALUES (?`+strings.Repeat(`, ?`, len(columns)-1)+`)`) // #nosec G202 -- the schema's own names
	if err != nil {
		return err
	}
	defer insert.Close()
	for {
		row, err := from.next()
		if err != nil || row == nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
}
