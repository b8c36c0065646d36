package stores

import (
	"context"
	"net/url"
	"time"

	"glassjar/utl/server"
)

// Jobs returns the background jobs of the stores, for a site at the URL public.
func (s *Stores) Jobs(public *url.URL) []server.Job {
	return []server.Job{
		s.Sessions.Run,
		s.Apps.Run,
		func(ctx context.Context) { s.DB.Run(ctx, s.Log) },
		server.Every(time.Minute, s.Sweep),
		s.Sender(public).Run,
	}
}
