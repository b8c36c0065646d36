package session

import "time"

// Measures are a store's present figures.
type Measures struct {
	Cached  int           // live sessions in memory
	Loads   uint64        // rows read on cache misses, since the start
	PollAge time.Duration // since the last successful poll started; from 10 s on the cache is not used; -1: never
}

// Measures returns the present figures. It walks the whole cache: call it every few
// seconds at most.
func (s *Store) Measures() Measures {
	m := Measures{Cached: s.cache.live.Count(), Loads: s.loads.Load(), PollAge: -1}
	if polled := s.cache.polled.Load(); polled != nil {
		m.PollAge = s.opt.Now().Sub(*polled)
	}
	return m
}
