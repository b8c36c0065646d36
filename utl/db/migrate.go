package db

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// fileName matches the names of migrations. 00010_name.sql is for both databases,
// 00010_name.postgres.sql only for PostgreSQL.
var fileName = regexp.MustCompile(`^([0-9]+)_\w+(?:\.(sqlite3|postgres))?\.sql$`)

// migrate updates the tables to this program's version. If before is not nil, migrate
// calls it first when it is going to change existing tables. The caller must hold a
// lock, because goose takes none.
func migrate(ctx context.Context, dialect goose.Dialect, pool *sql.DB, before func(context.Context) error) error {
	all, err := migrations(dialect)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, pool, nil, goose.WithGoMigrations(all...),
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	have, know, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the database's version: %w", classify("asking", err))
	}
	if have > know {
		return fmt.Errorf("the database is of version %d, newer than this program, which knows %d: use a newer glassjar", have, know)
	}
	if 0 < have && have < know && before != nil {
		if err := before(ctx); err != nil {
			return err
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("updating the tables: %w", classify("migrating", err))
	}
	return nil
}

// migrations returns the migrations for the database. They are not read by goose,
// which does not support two dialects in one folder.
func migrations(dialect goose.Dialect) ([]*goose.Migration, error) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var all []*goose.Migration
	for _, e := range entries {
		name := fileName.FindStringSubmatch(e.Name())
		if name == nil {
			return nil, fmt.Errorf("%s is called wrongly", e.Name())
		}
		if cmp.Or(name[2], string(dialect)) != string(dialect) {
			continue
		}
		version, err := strconv.ParseInt(name[1], 10, 64)
		if err != nil {
			return nil, err
		}
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: run(dialect, string(text))}, nil))
	}
	return all, nil
}

// noTimeLimit ends a PostgreSQL statement's time limit until the transaction ends.
const noTimeLimit = `SET LOCAL statement_timeout = 0`

// run returns a function that runs the statements in a migration's transaction, for as
// long as they take.
func run(dialect goose.Dialect, statements string) func(context.Context, *sql.Tx) error {
	all := []string{statements}
	if dialect == goose.DialectPostgres {
		all = []string{noTimeLimit, spellTable(statements)}
	}
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, q := range all {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}
}
