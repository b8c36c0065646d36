package mail

import "time"

// Kinds returns every kind that is queued.
func Kinds() []Kind {
	var all []Kind
	for k := range kinds {
		if k != test && k != known {
			all = append(all, k)
		}
	}
	return all
}

// SetPatience makes the sender wait for its mail server no longer than that.
func SetPatience(s *Sender, d time.Duration) { s.Server.patience = d }
