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
	counts map[RecentKey]int
}

// RecentKey is the SHA-256 of what is counted, which may be long.
type RecentKey [sha256.Size]byte

// Count counts the key, and returns its count.
func (l *RecentCounter) Count(key RecentKey, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.began).Abs() >= 10*time.Second || len(l.counts) >= 10_000 {
		l.began, l.counts = now, map[RecentKey]int{}
	}
	l.counts[key]++
	return l.counts[key]
}

// Forget resets the count of the key.
func (l *RecentCounter) Forget(key RecentKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.counts, key)
}

// Has reports whether the key was counted.
func (l *RecentCounter) Has(key RecentKey, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.began).Abs() < 10*time.Second && l.counts[key] > 0
}

// BrowserKey returns a key for the request's browser, by its address and User-Agent, and for
// what it did.
func BrowserKey(r *http.Request, did string) RecentKey {
	var space [512]byte // on the stack
	b := append(append(space[:0], did...), ' ')
	b = append(InfoOf(r).Address.AppendTo(b), ' ')
	return sha256.Sum256(append(b, r.UserAgent()...))
}
