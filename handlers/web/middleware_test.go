package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
)

// listener is a log handler that gets the context of each line.
type listener func(context.Context)

func (listener) Enabled(_ context.Context, l slog.Level) bool { return l == slog.LevelInfo }

func (l listener) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l listener) WithGroup(string) slog.Handler { return l }

func (l listener) Handle(ctx context.Context, _ slog.Record) error {
	l(ctx)
	return nil
}

// The context of a POST ends after 15 s, and that of every request when the browser is gone.
func TestARequestsContext(t *testing.T) {
	for method, limited := range map[string]bool{http.MethodGet: false, http.MethodHead: false, http.MethodPost: true, http.MethodPut: true} {
		browser, leave := context.WithCancel(t.Context())
		lines := 0
		s := webtest.New(t, func(c *handlers.Config) {
			c.Log = slog.New(listener(func(ctx context.Context) {
				lines++
				ends, ok := ctx.Deadline()
				if left := time.Until(ends); ok != limited || limited && (left < 14*time.Second || left > 15*time.Second) {
					t.Errorf("%s: got a deadline %t, in %v; want %t, in 15 s", method, ok, left, limited)
				}
				leave()
				<-ctx.Done()
				if !errors.Is(ctx.Err(), context.Canceled) {
					t.Errorf("%s: got error %v when the browser went away", method, ctx.Err())
				}
			}))
		})
		s.Ask(httptest.NewRequest(method, "/healthz", nil).WithContext(browser))
		if lines != 1 {
			t.Errorf("%s: %d lines, want one", method, lines)
		}
	}
}
