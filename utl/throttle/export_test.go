package throttle

// UnderWay returns how many keys have tries under way.
func (s *Store) UnderWay() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.underWay)
}
