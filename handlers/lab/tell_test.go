package lab_test

import (
	"testing"
	"time"

	"glassjar/handlers/lab"
)

func TestTellDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		91 * time.Nanosecond: "0.091 µs", 2540 * time.Nanosecond: "2.5 µs", 910 * time.Microsecond: "910 µs", 58 * time.Millisecond: "58 ms",
		4 * time.Second: "4 s", 580 * time.Second: "9 min 40 s", 25*time.Hour + 61*time.Second: "25 h 1 min", 5000 * time.Hour: "5,000 h 0 min",
	} {
		if got := lab.TellDuration(d); got != want {
			t.Errorf("%v is told as %q, want %q", d, got, want)
		}
	}
}

func TestThousandsAndTwoDigits(t *testing.T) {
	for n, want := range map[int]string{0: "0", 99: "99", 999: "990", 10_989_010: "10,000,000", 1_059: "1,000", 123_456: "120,000"} {
		if got := lab.Thousands(lab.TwoDigits(n)); got != want {
			t.Errorf("%d is told as %q, want %q", n, got, want)
		}
	}
}
