// Package lab has pages that show how requests, cookies and sessions work. It has a key
// and a cookie of its own. It is not given the site's keys, accounts or database.
package lab

import (
	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
	"glassjar/utl/password"
	"glassjar/utl/wire"
)

// Room has the handlers of the lab's pages.
type Room struct {
	*web.Site

	Lab    *anatomy.Lab
	hasher *password.Hasher // the site's; the lab hashes only while nobody signs in
	wire   *wire.Sender
}

// New returns a Room.
func New(s *web.Site, l *anatomy.Lab, h *password.Hasher) *Room {
	return &Room{Site: s, Lab: l, hasher: h, wire: wire.New()}
}
