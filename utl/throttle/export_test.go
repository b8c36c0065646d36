package throttle

import "context"

// UnderWay returns how many keys have tries under way.
func (s *Store) UnderWay() int {
	_ = s.lock(context.Background())
	defer s.unlock()
	return len(s.underWay)
}
