package gate_test

import (
	"testing"

	"glassjar/utl/bench"
	"glassjar/utl/gate"
	"glassjar/utl/identity"
)

// BenchmarkSignIdentityCores reports how many times more cached assertions two cores
// return than one core in the same time.
func BenchmarkSignIdentityCores(b *testing.B) {
	g := newGate(b)
	who := identity.Identity{ID: "A1", Username: "ada"}
	bench.Cores(b, func(_, _ int) {
		if _, err := g.SignIdentity("s", who, gate.SignedIn{}, "app.example"); err != nil {
			b.Error(err)
		}
	})
}
