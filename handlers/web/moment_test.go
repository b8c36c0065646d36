package web_test

import (
	"testing"
	"time"

	"glassjar/handlers/web"
)

func TestMomentsAreToldAsPeopleDo(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 5, 9, 0, time.UTC)
	for _, row := range []struct {
		ago  time.Duration
		want string
	}{
		{0, "just now"},
		{59 * time.Second, "just now"},
		{time.Minute, "1 minute ago"},
		{119 * time.Second, "1 minute ago"},
		{59*time.Minute + 59*time.Second, "59 minutes ago"},
		{time.Hour, "1 hour ago"},
		{24*time.Hour - time.Second, "23 hours ago"},
		{24 * time.Hour, "1 day ago"},
		{30*24*time.Hour - time.Second, "29 days ago"},
		{30 * 24 * time.Hour, "24 Oct 2026"},
		{-time.Minute, "just now"}, // another server's clock is ahead
		{-time.Minute - time.Second, "23 Nov 2026"},
		{-30 * 24 * time.Hour, "23 Dec 2026"},
	} {
		if got := web.MomentAt(now.Add(-row.ago), now).Words; got != row.want {
			t.Errorf("%v ago: got %q, want %q", row.ago, got, row.want)
		}
	}
}

func TestAMomentIsExactToo(t *testing.T) {
	east := time.FixedZone("east", 5*60*60)
	got := web.MomentAt(time.Date(2026, 11, 24, 1, 2, 3, 999, east), time.Date(2026, 11, 23, 22, 2, 3, 999, time.UTC))
	want := web.Moment{Words: "2 hours ago", Exact: "23 Nov 2026, 20:02:03 UTC", Stamp: "2026-11-23T20:02:03Z"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if never := web.MomentAt(time.Time{}, time.Now()); never != (web.Moment{}) {
		t.Errorf("never is told as %+v", never)
	}
}

func TestInFours(t *testing.T) {
	for text, want := range map[string]string{"": "", "ABC": "ABC", "ABCD": "ABCD", "ABCDE": "ABCD E", "ABCDEFGHI": "ABCD EFGH I"} {
		if got := web.InFours(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
