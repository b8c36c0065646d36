package config

import (
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseDuration parses a duration in Go's format, optionally with days before it: 90m,
// 30d, 1d12h.
func parseDuration(v string) (any, error) {
	text, rest, hasDays := strings.Cut(v, "d")
	if !hasDays {
		rest = v
	}
	var days, hours time.Duration
	if hasDays {
		n, err := strconv.ParseUint(text, 10, 16) // at most 65,535 days, which do not overflow
		if err != nil {
			return nil, errNotAllowed
		}
		days = time.Duration(n) * day // #nosec G115 -- 16 bits
	}
	if !hasDays || rest != "" {
		var err error
		if hours, err = time.ParseDuration(rest); err != nil || hasDays && hours < 0 {
			return nil, errNotAllowed
		}
	}
	if days+hours < hours { // the sum overflowed: more than 292 years
		return nil, errNotAllowed
	}
	return days + hours, nil
}
