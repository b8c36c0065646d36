package dbtest

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// url returns the URL of the database with the name.
func (s *Server) url(name string) string {
	return "postgres:///" + name + "?user=glassjar&sslmode=disable&host=" + s.folder
}

// New returns the URL of an empty database with all tables, for this test only. It may
// be one that an earlier test used: emptying takes a fifth of the time of creating.
func (s *Server) New(tb testing.TB) string {
	tb.Helper()
	name := s.take()
	if name == "" {
		name = s.create(tb, "migrated")
	}
	url := s.url(name)
	tb.Cleanup(func() {
		s.mu.Lock()
		odd := s.odd[url]
		s.mu.Unlock()
		if tb.Failed() || odd || s.empty(url) != nil {
			s.drop(tb, name)
			return
		}
		s.mu.Lock()
		s.free = append(s.free, name)
		s.mu.Unlock()
	})
	return url
}

func (s *Server) take() (name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free) - 1; n >= 0 {
		name, s.free = s.free[n], s.free[:n]
	}
	return name
}

// empty deletes all rows but those of a new database.
func (s *Server) empty(url string) error {
	s.emptying.Lock()
	defer s.emptying.Unlock()
	s.full <- url
	return <-s.emptied
}

// cleaner serves empty, over connections that it keeps: most of the work is PostgreSQL's,
// for a new one. It runs in a goroutine of its own, because a connection made in a test may
// belong to that test's synctest bubble.
func (s *Server) cleaner() {
	kept := map[string]*pgx.Conn{}
	for url := range s.full {
		if kept[url] != nil && deleteAll(kept[url]) == nil {
			s.emptied <- nil
			continue
		}
		c, err := pgx.Connect(context.Background(), url) // the first one, or a test ended the other
		if err == nil {
			kept[url], err = c, deleteAll(c)
		}
		s.emptied <- err
	}
	for _, c := range kept {
		_ = c.Close(context.Background())
	}
}

func deleteAll(c *pgx.Conn) error {
	_, err := c.Exec(context.Background(), `DO $$ DECLARE t regclass; BEGIN
		SET LOCAL session_replication_role = replica; -- no foreign keys: no order
		FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> 'goose_db_version' LOOP
			IF pg_relation_size(t) < 100000 THEN
				EXECUTE 'DELETE FROM ' || t;
			ELSE
				EXECUTE 'TRUNCATE ' || t || ' CASCADE';
			END IF;
		END LOOP;
		PERFORM setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences
			WHERE schemaname = current_schema() AND sequencename NOT LIKE 'goose%'; -- whose rows stay
		INSERT INTO changes (at, sid, account_id) VALUES (0, '', '');
	END $$`)
	return err
}

// NewEmpty returns the URL of a database without tables.
func (s *Server) NewEmpty(tb testing.TB) string {
	tb.Helper()
	name := s.create(tb, "template0")
	tb.Cleanup(func() { s.drop(tb, name) })
	return s.url(name)
}

func (s *Server) create(tb testing.TB, template string) (name string) {
	tb.Helper()
	s.mu.Lock()
	s.made++
	name = "test" + strconv.Itoa(s.made)
	s.mu.Unlock()
	if _, err := s.admin.ExecContext(tb.Context(), `CREATE DATABASE `+name+` TEMPLATE `+template); err != nil {
		tb.Fatal(err)
	}
	return name
}

func (s *Server) drop(tb testing.TB, name string) {
	tb.Helper()
	if _, err := s.admin.ExecContext(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
		tb.Error(err)
	}
}

// Exec runs the statements in the database at the URL, as an administrator.
func Exec(tb testing.TB, url string, statements ...string) {
	tb.Helper()
	if server != nil {
		server.mu.Lock()
		server.odd[url] = true
		server.mu.Unlock()
	}
	pool, err := sql.Open("pgx", url)
	if err != nil {
		tb.Fatal(err)
	}
	defer pool.Close()
	for _, q := range statements {
		if _, err := pool.ExecContext(tb.Context(), q); err != nil {
			tb.Fatal(strings.TrimSpace(q), ": ", err)
		}
	}
}
