// Package files serves the files in PAGES_DIR to signed-in people.
package files

import (
	"os"

	"glassjar/handlers/web"
)

// Room has the handler of /pages/.
type Room struct {
	*web.Site

	Pages *os.Root
	index index
}

// New returns a Room that serves the folder pages.
func New(s *web.Site, pages *os.Root) *Room {
	return &Room{Site: s, Pages: pages, index: index{pages: pages, now: s.Now}}
}

// HasIndex reports whether the folder has an index.html.
func (s *Room) HasIndex() bool { return s.index.has() }
