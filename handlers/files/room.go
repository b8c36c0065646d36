// Package files serves PAGES_DIR to signed-in people.
package files

import (
	"os"

	"glassjar/handlers/web"
)

// Room answers /pages/.
type Room struct {
	*web.Site

	Pages *os.Root
	index index
}

// New returns the room for the folder.
func New(s *web.Site, pages *os.Root) *Room {
	return &Room{Site: s, Pages: pages, index: index{pages: pages, now: s.Now}}
}

// HasIndex reports whether the folder has an index.html at its top.
func (s *Room) HasIndex() bool { return s.index.has() }
