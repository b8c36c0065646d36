package gate

// Kept returns how many assertions are kept.
func (g *Gate) Kept() int {
	return g.signer.keys.Load().kept.Count()
}
