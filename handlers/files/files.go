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

// csp is for other people's HTML on our origin: it may look as it
// likes, run nothing and send nothing.
const csp = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"script-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// File answers GET /pages/…: a file under PAGES_DIR, or a folder's
// index.html. No listing, no dot-files, nothing outside the folder.
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
	if err != nil || !info.Mode().IsRegular() { // opening a pipe would wait
		return web.ErrNotFound
	}
	return s.sendFile(w, r, name, info)
}

// index keeps whether PAGES_DIR has an index.html at its top.
type index struct {
	pages  *os.Root // nil: there is no PAGES_DIR
	now    func() time.Time
	looked atomic.Int64 // Unix seconds
	there  atomic.Bool
}

// has reports whether PAGES_DIR has an index.html at its top. It looks at most
// once a second.
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

// sendFile sends the file. HTML, and what may turn out to be HTML, is kept
// nowhere: Back after a sign-out must not show it.
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
