package files

import (
	"cmp"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// csp is the Content-Security-Policy of other people's HTML on this site's origin: any
// style, but no scripts and no requests elsewhere.
const csp = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"script-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// File answers GET /pages/…: a file in PAGES_DIR, or the index.html of a folder. It lists no
// folders, and serves no dot-files and nothing outside PAGES_DIR.
func (s *Room) File(w http.ResponseWriter, r *http.Request, _ account.Account) error {
	name := cmp.Or(strings.TrimSuffix(r.PathValue("path"), "/"), ".")
	if !fs.ValidPath(name) || name != "." && hidden(name) {
		return web.ErrNotFound
	}
	info, err := s.Pages.Stat(name)
	if err == nil && info.IsDir() {
		if !strings.HasSuffix(r.URL.Path, "/") {
			return web.SeeOther(w, r.URL.EscapedPath()+"/"+query(r))
		}
		name = path.Join(name, "index.html")
		info, err = s.Pages.Stat(name)
	} else if err == nil && strings.HasSuffix(r.URL.Path, "/") {
		return web.ErrNotFound
	}
	if err != nil || !info.Mode().IsRegular() { // opening a named pipe would block
		return web.ErrNotFound
	}
	return s.sendFile(w, r, name, info)
}

// index caches whether PAGES_DIR has an index.html.
type index struct {
	pages  *os.Root // nil: PAGES_DIR is not set
	now    func() time.Time
	looked atomic.Int64 // when it last looked, in Unix seconds
	there  atomic.Bool
}

// has reports whether PAGES_DIR has an index.html. It looks at most once a second.
func (i *index) has() bool {
	if i.pages == nil {
		return false
	}
	now := i.now().Unix()
	if i.looked.Load() != now && i.looked.Swap(now) != now {
		info, err := i.pages.Stat("index.html")
		i.there.Store(err == nil && info.Mode().IsRegular())
	}
	return i.there.Load()
}

// sendFile sends the file. Browsers may not store HTML, or what they may treat as HTML,
// so that going back after a sign-out does not show it.
func (s *Room) sendFile(w http.ResponseWriter, r *http.Request, name string, info os.FileInfo) error {
	f, err := s.Pages.Open(name)
	if err != nil {
		return fmt.Errorf("opening a page: %w", err)
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Security-Policy", csp)
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" && !strings.Contains(kind, "html") {
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	}
	http.ServeContent(w, r, name, info.ModTime(), f)
	return nil
}

// hidden reports whether a part of the path starts with a dot.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

func query(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + r.URL.RawQuery
}
