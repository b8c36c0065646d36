package authn

import (
	"sync"
	"time"
)

// auditLimiter limits the audit entries of throttled sign-ins: within a minute, one per name
// and 100 in all.
type auditLimiter struct {
	mu    sync.Mutex
	began time.Time
	seen  map[string]bool
}

// allow reports whether an entry for the name may be written now, and counts it.
func (u *auditLimiter) allow(name string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.began).Abs() >= time.Minute {
		u.began, u.seen = now, map[string]bool{}
	}
	name = name[:min(len(name), 64)]
	if u.seen[name] || len(u.seen) >= 100 {
		return false
	}
	u.seen[name] = true
	return true
}
