//go:build !race

package logs_test

import "testing"

// A line is formatted without an allocation. The race detector has pools forget
// what they hold, so it would see some.
func TestALineAllocatesNothing(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		if n := testing.AllocsPerRun(100, formatting(asJSON)); n != 0 {
			t.Errorf("as JSON %v: %v allocations, want none", asJSON, n)
		}
	}
}
