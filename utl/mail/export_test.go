package mail

import "time"

// Kinds returns every kind that can be queued.
func Kinds() []Kind {
	var all []Kind
	for k := range kinds {
		if k != test && k != known {
			all = append(all, k)
		}
	}
	return all
}

// SetTimeout sets how long the sender waits for its mail server.
func SetTimeout(s *Sender, d time.Duration) { s.Server.timeout = d }
