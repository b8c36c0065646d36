// Package lab shows requests, cookies and sessions from the inside. It has a key
// and a cookie of its own, and cannot reach the site's keys, accounts or
// database: it is given none of them.
package lab

import (
	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
	"glassjar/utl/password"
	"glassjar/utl/wire"
)

// Room answers the pages of the lab.
type Room struct {
	*web.Site

	Lab    *anatomy.Lab
	hasher *password.Hasher // the site's: the lab hashes when nobody signs in
	wire   *wire.Sender
}

// New returns the room.
func New(s *web.Site, l *anatomy.Lab, h *password.Hasher) *Room {
	return &Room{Site: s, Lab: l, hasher: h, wire: wire.New()}
}
