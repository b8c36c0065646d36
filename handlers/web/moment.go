package web

import (
	"fmt"
	"time"
)

// Moment is a time as pages show it: in words, and exactly. The template "time" renders it.
type Moment struct {
	Words string // such as "3 hours ago" or "2 Jan 2026"
	Exact string // to the second, in UTC
	Stamp string // RFC 3339, for the attribute datetime; empty: never
}

const (
	dayLayout   = "2 Jan 2006"
	exactLayout = "2 Jan 2006, 15:04:05 UTC"
)

// MomentAt returns the time t as seen at now: in words if it was within the last 30 days,
// else as a date. The zero time becomes the zero Moment, which means never.
func MomentAt(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	t = t.UTC()
	return Moment{Words: words(t, now), Exact: t.Format(exactLayout), Stamp: t.Format(time.RFC3339)}
}

// words returns the time in words. A time up to a minute in the future counts as just now:
// another server's clock may be ahead.
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

// Span formats a duration in its largest unit: "3 hours".
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

// Times formats a count: "once", "3 times".
func Times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
