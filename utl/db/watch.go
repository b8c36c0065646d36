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

// asked restarts the timer, for the next answer.
func (w *watch) asked() {
	if w.timer != nil {
		w.timer.Reset(useTimeout)
	}
}

// stop ends the watch, and the ctx.
func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel()
}

// told returns err, as ErrUnavailable if the answer was late.
func (w *watch) told(err error) error {
	if err != nil && w.late.Load() {
		return fmt.Errorf("%w: %w: %v", ErrUnavailable, context.DeadlineExceeded, err) //nolint:errorlint // it says "canceled", and nobody hung up
	}
	return err
}
