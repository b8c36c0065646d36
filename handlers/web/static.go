package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// asset is a static file, with the values of its headers.
type asset struct {
	kind, tag []string // Content-Type and ETag
	plain     []byte
	gzip      func() []byte // compresses when first asked for, not at the start
}

// The values of headers that all static files share.
var (
	cacheForever = []string{"public, max-age=31536000, immutable"}
	byEncoding   = []string{"Accept-Encoding"}
	isGzip       = []string{"gzip"}
)

// kinds are the Content-Types of static files by extension. Package mime would also read the
// machine's own lists.
var kinds = map[string][]string{
	".css": {"text/css; charset=utf-8"},
	".js":  {"text/javascript; charset=utf-8"},
	".svg": {"image/svg+xml"},
}

// assets are the static files. Their names contain a hash of their content.
type assets struct {
	paths map[string]string // site.css → /static/site.1a2b3c4d5e6f7081.css
	files map[string]asset  // site.1a2b3c4d5e6f7081.css → the file
}

// newAssets reads and names the files.
func newAssets(files fs.FS) (*assets, error) {
	a := &assets{map[string]string{}, map[string]asset{}}
	names, err := fs.Glob(files, "*.*")
	if err != nil {
		return nil, fmt.Errorf("listing the static files: %w", err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading a static file: %w", err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(name)
		kind := kinds[ext]
		if kind == nil {
			return nil, fmt.Errorf("the static file %s is of a kind that we do not serve", name)
		}
		mark := hex.EncodeToString(sum[:8])
		hashed := strings.TrimSuffix(name, ext) + "." + mark + ext
		a.paths[name] = "/static/" + hashed
		a.files[hashed] = asset{kind, []string{`W/"` + mark + `"`}, content, sync.OnceValue(func() []byte { return compress(content) })}
	}
	return a, nil
}

// path returns the URL path of the file.
func (a *assets) path(name string) (string, error) {
	p, ok := a.paths[name]
	if !ok {
		return "", fmt.Errorf("no static file is named %q", name)
	}
	return p, nil
}

// compress compresses the content with gzip. Only static files are compressed: a page may
// contain a secret and a stranger's text, and then its compressed size would reveal the
// secret (the BREACH attack).
func compress(content []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is valid
	}
	_, _ = z.Write(content) // writing to memory cannot fail
	_ = z.Close()
	return b.Bytes()
}

// Static handles GET /static/{name}: it responds with the file, which browsers may cache
// forever because its name contains a hash, or with 304 if the browser has it.
func (s *Site) Static(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	file, ok := s.assets.files[name]
	if !ok {
		return ErrNotFound
	}
	h, body := w.Header(), file.plain
	h["Cache-Control"], h["Etag"], h["Vary"] = cacheForever, file.tag, byEncoding
	if r.Header.Get("If-None-Match") == file.tag[0] {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = file.kind
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		h["Content-Encoding"] = isGzip
		body = file.gzip()
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body)
	return nil
}

// takesGzip reports whether the Accept-Encoding header allows gzip: it contains it without a
// weight or with a weight above 0 (RFC 9110, section 12.5.3).
func takesGzip(accept string) bool {
	for one := range strings.SplitSeq(strings.ToLower(accept), ",") {
		if coding, weight, _ := strings.Cut(one, ";"); strings.TrimSpace(coding) == "gzip" {
			return weight == "" || strings.Trim(weight, " q=.0") != ""
		}
	}
	return false
}
