package handlers

import "context"

// empty reports whether the site has no account yet, so that nobody can sign
// in. Once there is one there always is, and the database is not asked again.
func (s *site) empty(ctx context.Context) bool {
	if s.founded.Load() {
		return false
	}
	has, err := s.Accounts.Any(ctx)
	if has {
		s.founded.Store(true)
	}
	return err == nil && !has
}
