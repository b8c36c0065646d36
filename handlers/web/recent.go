package web

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// RecentCounter counts what came within the same ten seconds.
type RecentCounter struct {
	mu     sync.Mutex
	began  time.Time
	counts map[[sha256.Size]byte]int
}

// Count counts the key once more and returns how often it came.
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

// Forget forgets the key.
func (l *RecentCounter) Forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.counts, sha256.Sum256([]byte(key)))
}

// Has reports whether the key came.
func (l *RecentCounter) Has(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.began).Abs() < 10*time.Second && l.counts[sha256.Sum256([]byte(key))] > 0
}

// BrowserKey names the request's browser, as far as a request can, and what it
// did.
func BrowserKey(r *http.Request, did string) string {
	return did + " " + InfoOf(r).Address.String() + " " + r.UserAgent()
}
