package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"math/big"
	"time"
)

const (
	retries   = 3                     // of a transaction that PostgreSQL rolled back
	retryWait = 20 * time.Millisecond // before the first of them, at most; doubled each time
)

// Tx is a transaction that may write. With SQLite only one runs at a time. With
// PostgreSQL several run at once; one waits for another only if both Lock the same name
// or change the same row, and each statement sees what others committed before it
// began.
type Tx struct {
	statements *statements
	engine     engine
	ctx        context.Context // ends when the transaction's time is over
	watch      *watch
	notify     bool // others should know when it has committed
}

// Tx runs fn in a transaction, and commits it, or rolls it back if fn returns an error.
// After an error of the database fn must return: PostgreSQL runs no further statement.
// If PostgreSQL rolled the transaction back because it conflicted with another one, or
// the connection was lost before the commit, Tx runs fn again, at most 3 times.
// Errors: ErrUnavailable, and those of fn.
func (d *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	if err := d.engine.checkPresent(); err != nil {
		d.note(err)
		return err
	}
	if err := ended(ctx); err != nil {
		return classify("beginning a transaction", err)
	}
	bounded, w := d.engine.boundedTx(ctx)
	defer w.stop()
	for tries := 0; ; tries++ {
		committing, err := d.attempt(bounded, w, func(tx *Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return classify("finishing a transaction", ended(ctx))
		})
		if err == nil || tries == retries || !d.engine.isRetryable(err) && (!d.engine.lostConnection(err) || committing) || !pause(bounded, retryWait<<tries) {
			err = w.wrap(err)
			d.failed(bounded, err)
			return err
		}
	}
}

// attempt runs fn in one transaction. committing reports whether the commit was
// started.
func (d *DB) attempt(ctx context.Context, w *watch, fn func(*Tx) error) (committing bool, err error) {
	w.restart()
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return false, classify("beginning a transaction", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	t := &Tx{statements: d.engine.statements(tx), engine: d.engine, ctx: ctx, watch: w}
	if err = fn(t); err == nil {
		committing = true
		w.restart()
		err = classify("committing", tx.Commit())
	}
	if err == nil && t.notify && d.push.pending != nil {
		wake(d.push.pending)
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // database/sql rolled back because ctx ended
		err = classify("finishing a transaction", ctx.Err())
	}
	return committing, err
}

// pause waits for a random time of at most most, so that transactions that conflicted
// do not do so again. It reports false if ctx ended.
func pause(ctx context.Context, most time.Duration) bool {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(most)))
	if err != nil {
		return false
	}
	timer := time.NewTimer(time.Duration(n.Int64()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Lock makes every other transaction that locks the name wait, on every server,
// until this one ends. Reads after it see what the previous holder committed. Call
// it before the transaction's first statement; of several names, lock those of
// accounts first. With SQLite it does nothing: one transaction at a time writes.
// Errors: ErrUnavailable.
func (t *Tx) Lock(ctx context.Context, name string) error {
	t.watch.restart()
	return classify("waiting for a lock", t.engine.lock(ctx, t, name))
}

// Exec runs a statement and returns the number of rows it changed.
// Errors: ErrConflict, ErrUnavailable.
func (t *Tx) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	t.watch.restart()
	res, err := t.statements.exec(t.within(ctx), q, args)
	if err != nil {
		return 0, classify("writing", err)
	}
	return res.RowsAffected()
}

func (t *Tx) query(ctx context.Context, q string, args []any) (*sql.Rows, context.CancelFunc, error) {
	t.watch.restart()
	rows, err := t.statements.query(t.within(ctx), q, args)
	return rows, func() {}, err
}

// within returns the transaction's own ctx, which has its time limits, or the caller's
// if that has ended.
func (t *Tx) within(ctx context.Context) context.Context {
	if ended(ctx) != nil {
		return ctx
	}
	return t.ctx
}
