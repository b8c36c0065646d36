package web

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// RecentCounter counts events by key within ten seconds. After ten seconds, or with 10,000
// keys, it starts again.
type RecentCounter struct {
	mu     sync.Mutex
	began  time.Time
	counts map[[sha256.Size]byte]int
}

// Count counts the key, and returns its count.
func (l *RecentCounter) Count(key string, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.began).Abs() >= 10*time.Second || len(l.counts) >= 10_000 {
		l.began, l.counts = now, map[[sha256.Size]byte]int{}
	}
	sum := sha256.Sum256([]byte(key))
	l.counts[sum]++
	return l.counts[sum]
}

// Forget resets the count of the key.
func (l *RecentCounter) Forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.counts, sha256.Sum256([]byte(key)))
}

// Has reports whether the key was counted.
func (l *RecentCounter) Has(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.began).Abs() < 10*time.Second && l.counts[sha256.Sum256([]byte(key))] > 0
}

// BrowserKey returns a key for the request's browser, by its address and User-Agent, and for
// what it did.
func BrowserKey(r *http.Request, did string) string {
	return did + " " + InfoOf(r).Address.String() + " " + r.UserAgent()
}
