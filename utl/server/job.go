package server

import (
	"context"
	"log/slog"
	"os"
	"time"
)

// Every returns a job that calls do every d.
func Every(d time.Duration, do func(context.Context)) Job {
	return func(ctx context.Context) {
		for wait(ctx, d, nil, func() {}) {
			do(ctx)
		}
	}
}

// Poll returns a job that calls every function of looks every d and at each signal, which
// it logs.
func Poll(d time.Duration, signals <-chan os.Signal, log *slog.Logger, looks ...func(context.Context)) Job {
	return func(ctx context.Context) {
		for wait(ctx, d, signals, func() { log.InfoContext(ctx, "SIGHUP: looking at the files again") }) {
			for _, look := range looks {
				look(ctx)
			}
		}
	}
}

// wait waits for the duration or for a signal, for which it calls came. It reports whether
// ctx is still active.
func wait(ctx context.Context, d time.Duration, signals <-chan os.Signal, came func()) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-signals:
		came()
	case <-timer.C:
	}
	return true
}
