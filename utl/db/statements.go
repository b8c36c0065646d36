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

// statements runs queries in a pool, or in a transaction. The queries are the
// program's own, and few: each is spelled for its database, and prepared, once.
type statements struct {
	in   runner
	text *spellings // of PostgreSQL, whose driver prepares for each connection by itself; nil: kept here

	mu    sync.Mutex
	known map[string]*sql.Stmt // SQLite parses a query for longer than it runs it
}

// query is a pool's QueryContext.
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

// exec is a pool's ExecContext.
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
		defer fresh.Close() // somebody was faster
	}
	return known, nil
}

// store returns the statement that is known for the query: if there was none,
// fresh is from now on.
func (s *statements) store(q string, fresh *sql.Stmt) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[q] == nil && fresh != nil {
		s.known[q] = fresh
	}
	return s.known[q]
}
