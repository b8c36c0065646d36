package stores

import (
	"context"
	"errors"
	"log/slog"

	"glassjar/utl/passkey"
)

// Warn logs warnings about the settings and, at debug level, the settings without secrets.
func (s *Stores) Warn(ctx context.Context) {
	s.Log.DebugContext(ctx, "settings", slog.Any("config", s.Config))
	for _, text := range s.Config.Warnings {
		s.Log.WarnContext(ctx, "a setting may be a mistake", slog.String("problem", text))
	}
	s.warnOfNewKey(ctx)
	s.warnOfPasskeys(ctx)
	if s.Config.PlainHTTP() {
		s.Log.WarnContext(ctx, "passwords and cookies can be read on the way: PUBLIC_URL is http and not this machine; put a proxy with https in front, or set TLS_CERT and TLS_KEY, then PUBLIC_URL to https")
	}
}

// warnOfNewKey logs that the start made a session key although the site must have had one,
// and which authenticator apps' secrets the keys do not open.
func (s *Stores) warnOfNewKey(ctx context.Context) {
	if s.newKey {
		if some, err := s.Accounts.Any(ctx); some && err == nil {
			s.Log.WarnContext(ctx, "this start made a new session key although the site has accounts, so everybody is signed out: if there is an older key, put it back into SESSION_KEYS and start again")
		}
	}
	other, err := s.Factors.OtherKey(ctx)
	if err == nil && !other {
		return
	}
	tried, err2 := s.Factors.Try(ctx)
	if err = errors.Join(err, err2); err != nil {
		s.Log.WarnContext(ctx, "whether the session keys open the secrets of all authenticator apps is not known", "error", err)
	} else if tried.Broken > 0 {
		s.Log.WarnContext(ctx, "codes of authenticator apps are refused", slog.String("problem", tried.Sentence()))
	}
}

// warnOfPasskeys logs why passkeys are off, and that some belong to a former host name of
// the site.
func (s *Stores) warnOfPasskeys(ctx context.Context) {
	site := s.Config.URL(s.Config.Addr)
	host := passkey.Host(site)
	if host == "" {
		s.Log.InfoContext(ctx, "there are no passkeys: browsers have them for a site with a name and https; set PUBLIC_URL to such a one", slog.String("public_url", site.String()))
	}
	if n, err := passkey.Elsewhere(ctx, s.DB, host); err != nil || n > 0 {
		s.Log.WarnContext(ctx, "passkeys were made for another host than PUBLIC_URL's and open nothing here: their people sign in with a recovery code or an authenticator app; for who has neither: glassjar user clear-factors NAME",
			slog.Int64("passkeys", n), slog.Any("error", err))
	}
}
