//go:build !race

package logs_test

import "testing"

// Formatting a line allocates nothing. The race detector makes sync.Pool drop values, so
// allocations would be seen there.
func TestALineAllocatesNothing(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		if n := testing.AllocsPerRun(100, formatting(asJSON)); n != 0 {
			t.Errorf("as JSON %v: %v allocations, want none", asJSON, n)
		}
	}
}
