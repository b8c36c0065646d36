// Package templates embeds the HTML templates of the pages: layout.html, and one file per
// page, which layout.html includes.
package templates

import "embed"

// FS holds the .html files.
//
//go:embed *.html
var FS embed.FS
