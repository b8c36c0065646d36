package gate

// Kept returns the number of cached assertions.
func (g *Gate) Kept() int {
	return g.signer.keys.Load().kept.Count()
}
