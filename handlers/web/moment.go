package web

import (
	"fmt"
	"time"
)

// Moment is a time as a page tells it: in words, with the exact time beside
// them. The template "time" shows one.
type Moment struct {
	Words string // such as "3 hours ago" or "2 Jan 2026"
	Exact string // to the second, in UTC
	Stamp string // for machines: RFC 3339; empty: never
}

const (
	dayLayout   = "2 Jan 2006"
	exactLayout = "2 Jan 2006, 15:04:05 UTC"
)

// MomentAt tells the time t as it is told at now: up to 30 days back in words,
// else by its date. The zero time is never, and has no words.
func MomentAt(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	t = t.UTC()
	return Moment{Words: words(t, now), Exact: t.Format(exactLayout), Stamp: t.Format(time.RFC3339)}
}

// words tells the time in words. A clock that is a little ahead makes no time of
// the future out of one just past.
func words(t, now time.Time) string {
	ago := now.Sub(t)
	switch {
	case ago < -time.Minute || ago >= 30*24*time.Hour:
		return t.Format(dayLayout)
	case ago < time.Minute:
		return "just now"
	}
	return Span(ago) + " ago"
}

// Span tells a time span in its largest unit: "3 hours".
func Span(d time.Duration) string {
	n, unit := int(max(0, d)/time.Second), "second"
	for _, larger := range []struct {
		size time.Duration
		name string
	}{{time.Minute, "minute"}, {time.Hour, "hour"}, {24 * time.Hour, "day"}} {
		if d >= larger.size {
			n, unit = int(d/larger.size), larger.name
		}
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// Times says how often something happened.
func Times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
