package throttle

import "context"

// InFlight returns how many keys have tries in flight.
func (s *Store) InFlight() int {
	_ = s.lock(context.Background())
	defer s.unlock()
	return len(s.inFlight)
}

// Trim is Sweep's trim, with another limit.
func (s *Store) Trim(ctx context.Context, n int) error { return s.trim(ctx, n) }
