// Package clocktest is a clock that tests move.
package clocktest

import (
	"sync/atomic"
	"time"
)

// Clock stands still until it is moved. Reading it takes no lock, because benchmarks read
// it on every core; only one goroutine may move it at a time.
type Clock struct{ now atomic.Pointer[time.Time] }

// New returns a clock with this time.
func New(now time.Time) *Clock {
	c := &Clock{}
	c.Set(now)
	return c
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time { return *c.now.Load() }

// Set sets the clock.
func (c *Clock) Set(to time.Time) { c.now.Store(&to) }

// Move sets the clock ahead by d, as if that time had passed.
func (c *Clock) Move(d time.Duration) { c.Set(c.Now().Add(d)) }
