package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

func (p *postgres) unlimited(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT set_config(name, '0', true) FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) name`)
	return err
}

func (p *postgres) columns() string {
	return `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()`
}

func (p *postgres) claim(ctx context.Context, tx *sql.Tx, table string) error {
	_, err := tx.ExecContext(ctx, `LOCK TABLE `+quoted([]string{table})+` IN EXCLUSIVE MODE`)
	return err
}

// fill copies the rows, sets identity columns to continue after the highest number, and
// updates the query planner's statistics.
func (p *postgres) fill(ctx context.Context, conn *sql.Conn, tx *sql.Tx, table string, columns []string, from *values) error {
	err := conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the connection is a %T", driver)
		}
		_, err := c.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
			row, err := from.next()
			return storable(row), err
		}))
		return err
	})
	if err != nil {
		return err
	}
	counting, err := texts(ctx, tx, `SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'YES'`, table)
	for i := 0; i < len(counting) && err == nil; i++ {
		_, err = tx.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence($1, $2), (SELECT COALESCE(MAX(`+quoted(counting[i:i+1])+`), 0) + 1 FROM `+quoted([]string{table})+`), false)`, table, counting[i]) // #nosec G202 -- the schema's own names
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `ANALYZE `+quoted([]string{table}))
	}
	return err
}

// storable removes what PostgreSQL does not accept in texts: NUL bytes and invalid
// UTF-8. Older versions of glassjar stored such texts from form fields in SQLite.
func storable(row []any) []any {
	for i, v := range row {
		if text, ok := v.(string); ok {
			row[i] = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
		}
	}
	return row
}
