package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/server"
)

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 210*time.Second) // synctest's fake clock
		defer cancel()
		began := time.Now()
		var at []time.Duration
		server.Every(time.Minute, func(context.Context) { at = append(at, time.Since(began)) })(ctx)
		if len(at) != 3 || at[0] != time.Minute || at[2] != 3*time.Minute {
			t.Errorf("it ran after %v", at)
		}
	})
}

// At a signal every function is called at once, which is logged; on the timer without a log
// line.
func TestLookAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		signals := make(chan os.Signal, 1)
		var log bytes.Buffer
		keys, cert, ended := 0, 0, make(chan struct{})
		job := server.Poll(time.Second, signals, slog.New(slog.NewTextHandler(&log, nil)),
			func(context.Context) { keys++ }, func(context.Context) { cert++ })
		go func() { job(ctx); close(ended) }()
		<-time.After(2500 * time.Millisecond)
		synctest.Wait()
		if keys != 2 || cert != 2 || log.String() != "" {
			t.Errorf("after 2.5 s: looked %d and %d times, the log says %q", keys, cert, &log)
		}
		signals <- syscall.SIGHUP
		synctest.Wait() // no time passes
		if keys != 3 || cert != 3 || strings.Count(log.String(), "SIGHUP") != 1 {
			t.Errorf("after the signal: looked %d and %d times, the log says %q", keys, cert, &log)
		}
		cancel()
		<-ended
	})
}
