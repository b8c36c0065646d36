package session

import "time"

// Only is only.
var Only = only

// Kept counts the cache's live entries and those that say "no such session",
// and returns how many there are of the latter by the cache's own account.
func (s *Store) Kept() (live, none, counted int) {
	s.cache.mu.RLock()
	defer s.cache.mu.RUnlock()
	for _, at := range s.cache.places {
		if !packed(s.cache.shelf.at(at)).live() {
			none++
		} else {
			live++
		}
	}
	return live, none, s.cache.none
}

// Miss makes the cache remember that there is no such session.
func (s *Store) Miss(sid string, now time.Time) {
	_, gen, _ := s.cache.get(sid, now)
	s.cache.put(Session{SID: sid}, false, now, gen)
}

// Cookies returns how many cookies are remembered.
func (s *Store) Cookies() int {
	s.cache.mu.RLock()
	defer s.cache.mu.RUnlock()
	return len(s.cache.cookies)
}

// ForgetCookies forgets the remembered cookies, and no session.
func (s *Store) ForgetCookies() {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	clear(s.cache.cookies)
	clear(s.cache.of)
}
