package gate

// Kept returns how many assertions are kept.
func (g *Gate) Kept() int {
	g.signer.mu.Lock()
	defer g.signer.mu.Unlock()
	return len(g.signer.kept)
}
