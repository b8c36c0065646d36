package handlers_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"glassjar/handlers"
)

// listener is a log that looks at the context of each line.
type listener func(context.Context)

func (listener) Enabled(_ context.Context, l slog.Level) bool { return l == slog.LevelInfo }
func (l listener) WithAttrs([]slog.Attr) slog.Handler         { return l }
func (l listener) WithGroup(string) slog.Handler              { return l }
func (l listener) Handle(ctx context.Context, _ slog.Record) error {
	l(ctx)
	return nil
}

// A request's context ends with its 15 s and when the browser goes away, and
// it is over with the answer.
func TestARequestsContext(t *testing.T) {
	for _, waits := range []bool{true, false} {
		browser, leave := context.WithCancel(t.Context())
		var kept context.Context
		s := newSite(t, func(c *handlers.Config) {
			c.Log = slog.New(listener(func(ctx context.Context) {
				kept = ctx
				if !waits {
					return
				}
				ends, ok := ctx.Deadline()
				if left := time.Until(ends); !ok || left < 14*time.Second || left > 15*time.Second || ctx.Err() != nil {
					t.Errorf("got deadline in %v, error %v; want 15 s and none", left, ctx.Err())
				}
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				leave()
				<-child.Done()
				if !errors.Is(ctx.Err(), context.Canceled) {
					t.Errorf("got error %v when the browser went away", ctx.Err())
				}
			}))
			c.Now = time.Now
		})
		s.ask(httptest.NewRequest(http.MethodGet, "/healthz", nil).WithContext(browser))
		leave()
		<-kept.Done()
	}
}
