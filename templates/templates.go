// Package templates holds the pages' HTML: layout.html, and a file for each
// page that stands in it.
package templates

import "embed"

// FS is the .html files.
//
//go:embed *.html
var FS embed.FS
