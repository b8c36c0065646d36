package web

import (
	"context"
	"net/http"
	"time"

	"glassjar/utl/db"
)

// Healthz handles GET /healthz: 200 as long as the process serves.
func (s *Site) Healthz(w http.ResponseWriter, _ *http.Request) error { return WriteText(w, "alive\n") }

// Readyz handles GET /readyz: 200 if the live sessions are known and the database can be
// read, else 503.
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
