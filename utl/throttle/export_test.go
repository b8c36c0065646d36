package throttle

import "context"

// UnderWay returns how many keys have tries under way.
func (s *Store) UnderWay() int {
	_ = s.lock(context.Background())
	defer s.unlock()
	return len(s.underWay)
}

// Keep is what Sweep does beyond the bound, with another one.
func (s *Store) Keep(ctx context.Context, n int) error { return s.keep(ctx, n) }
