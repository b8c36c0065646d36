package authn

import (
	"sync"
	"time"
)

// untold keeps a flood of throttled sign-ins from becoming a flood of audit
// rows: in a minute one for a name, and 100 in all.
type untold struct {
	mu    sync.Mutex
	began time.Time
	told  map[string]bool
}

// first reports whether the name is to be told of: it was not in this minute.
func (u *untold) first(name string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.began).Abs() >= time.Minute {
		u.began, u.told = now, map[string]bool{}
	}
	name = name[:min(len(name), 64)]
	if u.told[name] || len(u.told) >= 100 {
		return false
	}
	u.told[name] = true
	return true
}
