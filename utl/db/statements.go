package db

import (
	"context"
	"database/sql"
	"sync"
)

// runner is a pool of connections, or a transaction.
type runner interface {
	PrepareContext(ctx context.Context, q string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
}

// statements runs queries in a pool or a transaction. The program has few distinct
// queries: each is translated for its database, and prepared, once.
type statements struct {
	in   runner
	text *spellings // translates for PostgreSQL, whose driver caches prepared statements; nil with SQLite

	mu    sync.Mutex
	known map[string]*sql.Stmt // SQLite's, by query: parsing one takes longer than running it
}

// query is like a pool's QueryContext.
func (s *statements) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	if s.text != nil {
		return s.in.QueryContext(ctx, s.text.of(q), args...)
	}
	stmt, err := s.get(ctx, q) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// exec is like a pool's ExecContext.
func (s *statements) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	if s.text != nil {
		return s.in.ExecContext(ctx, s.text.of(q), args...)
	}
	stmt, err := s.get(ctx, q) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// get returns the query, prepared.
func (s *statements) get(ctx context.Context, q string) (*sql.Stmt, error) {
	if known := s.store(q, nil); known != nil {
		return known, nil
	}
	fresh, err := s.in.PrepareContext(ctx, q) // unlocked: it may wait for a connection
	if err != nil {
		return nil, err
	}
	known := s.store(q, fresh)
	if known != fresh {
		defer fresh.Close() // another goroutine has stored one meanwhile
	}
	return known, nil
}

// store returns the query's prepared statement. If there is none yet, it stores
// fresh, unless that is nil.
func (s *statements) store(q string, fresh *sql.Stmt) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[q] == nil && fresh != nil {
		s.known[q] = fresh
	}
	return s.known[q]
}
