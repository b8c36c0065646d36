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
		s.allowFirst,
	}
}

// allowFirst lets a start after this server's end print a new link for the first owner.
func (s *Stores) allowFirst(ctx context.Context) {
	<-ctx.Done()
	_ = s.Accounts.AllowFirst(context.WithoutCancel(ctx)) // if it fails, a start within 10 s prints how to get a link
}
