// Package lab shows requests, cookies and sessions from the inside. It has a key
// and a cookie of its own, and cannot reach the site's keys, accounts or
// database: it is given none of them.
package lab

import (
	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
	"glassjar/utl/wire"
)

// Room answers the pages of the lab.
type Room struct {
	*web.Site

	Lab  *anatomy.Lab
	wire *wire.Sender
}

// New returns the room.
func New(s *web.Site, l *anatomy.Lab) *Room { return &Room{Site: s, Lab: l, wire: wire.New()} }
