package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// InPages reports whether the file, which need not exist, lies inside PAGES_DIR.
func (c Config) InPages(file string) bool {
	if c.PagesDir == "" {
		return false
	}
	pages, err := os.Stat(c.PagesDir)
	return err != nil || contains(pages, file)
}

// contains reports whether file, which need not exist, lies inside the folder dir, by its
// own path or by its target if it is a link. A file whose path cannot be resolved counts
// as inside.
func contains(dir fs.FileInfo, file string) bool {
	folder, err := resolve(filepath.Dir(file))
	if err != nil || isBelow(dir, folder) {
		return true
	}
	target, err := resolve(file)
	return err != nil || isBelow(dir, target)
}

// isBelow reports whether path, which has no links in it, is dir or lies below it.
func isBelow(dir fs.FileInfo, path string) bool {
	for {
		if info, err := os.Stat(path); err == nil && os.SameFile(dir, info) {
			return true
		}
		parent := filepath.Dir(path)
		if parent == path {
			return false
		}
		path = parent
	}
}

// resolve returns the absolute path without links, even if the end of path does not exist.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	plain, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return plain, err
	}
	folder, err := resolve(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if target, err := os.Readlink(path); err == nil { // a link whose target does not exist
		if !filepath.IsAbs(target) {
			target = filepath.Join(folder, target)
		}
		return resolve(target)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}
