package doctor

// String returns the URL that a gate comes back to.
func (p Page) String() string { return p.root() + p.uri }
