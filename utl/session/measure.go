package session

import "time"

// Measures are what can be said of a store as it is now.
type Measures struct {
	Cached  int           // live sessions in memory
	Loads   uint64        // rows read because the cache did not know, since the start
	PollAge time.Duration // since the last good poll began; 10 s and nothing in memory is believed
}

// Measures returns them. It looks at every place of the cache: once a few seconds is
// often enough.
func (s *Store) Measures() Measures {
	m := Measures{Cached: s.cache.live.count(), Loads: s.loads.Load(), PollAge: -1}
	if polled := s.cache.polled.Load(); polled != nil {
		m.PollAge = s.opt.Now().Sub(*polled)
	}
	return m
}

// count returns how many items there are.
func (t table[T]) count() (n int) {
	for i := range t {
		for j := range t[i] {
			if t[i][j].Load() != nil {
				n++
			}
		}
	}
	return n
}
