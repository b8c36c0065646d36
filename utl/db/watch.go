package db

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// watch cancels a transaction when one of its answers takes longer than useTimeout.
type watch struct {
	cancel context.CancelFunc
	timer  *time.Timer // nil: the transaction's ctx has a deadline of its own
	late   atomic.Bool
}

// restart restarts the timer. It is called whenever something is sent to the database.
func (w *watch) restart() {
	if w.timer != nil {
		w.timer.Reset(useTimeout)
	}
}

// stop stops the timer and cancels the ctx.
func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel()
}

// wrap returns err, wrapped in ErrUnavailable if the watch cancelled the transaction.
func (w *watch) wrap(err error) error {
	if err != nil && w.late.Load() {
		return fmt.Errorf("%w: %w: %v", ErrUnavailable, context.DeadlineExceeded, err) //nolint:errorlint // err says "canceled", but no client hung up
	}
	return err
}
