// Package page renders HTML templates into memory, so that an answer is
// written whole or not at all.
package page

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"sync"
)

// Set is a site's pages. It keeps those in memory that somebody asked for: a
// parsed page is many small things, and the collector visits each.
type Set struct {
	files fs.FS
	funcs template.FuncMap
	mu    sync.Mutex
	pages map[string]*template.Template // nil: not asked for yet
}

// Parse parses every .html file beside layout.html as a page that stands in
// it. Pages may call the functions.
func Parse(files fs.FS, funcs template.FuncMap) (*Set, error) {
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the templates: %w", err)
	}
	s := &Set{files: files, funcs: funcs, pages: map[string]*template.Template{}}
	for _, file := range names {
		name := strings.TrimSuffix(file, ".html")
		if name == "layout" {
			continue
		}
		if _, err := s.parse(name); err != nil {
			return nil, err
		}
		s.pages[name] = nil
	}
	return s, nil
}

func (s *Set) parse(name string) (*template.Template, error) {
	t, err := template.New(name).Funcs(s.funcs).Option("missingkey=error").ParseFS(s.files, "layout.html", name+".html")
	if err != nil {
		return nil, fmt.Errorf("parsing the page %s: %w", name, err)
	}
	return t, nil
}

// Render returns the page of the name, made with data.
func (s *Set) Render(name string, data any) ([]byte, error) {
	t, err := s.Template(name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", data); err != nil {
		return nil, fmt.Errorf("rendering the page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Template returns the parsed page of the name.
func (s *Set) Template(name string) (*template.Template, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, has := s.pages[name]
	if !has {
		return nil, fmt.Errorf("no page is named %q", name)
	}
	if t != nil {
		return t, nil
	}
	t, err := s.parse(name)
	if err == nil {
		s.pages[name] = t
	}
	return t, err
}
