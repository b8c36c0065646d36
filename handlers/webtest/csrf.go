package webtest

import (
	"strings"
	"testing"
)

// State is everything that a POST could change.
func (s *Site) State(t *testing.T) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT id || username || password || epoch || disabled_at FROM accounts`,
		`SELECT sid || ended_at || epoch FROM sessions`,
		`SELECT code_hash || used_at FROM links`,
		`SELECT id || secret_hash || used_at FROM app_passwords`,
		`SELECT at || event || account_id FROM audit`,
		`SELECT key_hash || failures FROM throttle`,
	} {
		all = append(all, s.Texts(t, query+" ORDER BY 1")...)
	}
	return strings.Join(all, "\n")
}
