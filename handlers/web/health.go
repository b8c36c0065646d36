package web

import (
	"context"
	"net/http"
	"time"

	"glassjar/utl/db"
)

// Healthz answers GET /healthz: the process serves.
func (s *Site) Healthz(w http.ResponseWriter, _ *http.Request) error { return WriteText(w, "alive\n") }

// Readyz answers GET /readyz: 200 when it is known which sessions are live, and
// the database can be read; else 503.
func (s *Site) Readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if _, err := s.accounts.Any(ctx); err != nil {
		return err
	}
	if !s.sessions.Healthy() {
		return db.ErrUnavailable
	}
	return WriteText(w, "ready\n")
}
