// Package static holds the files that browsers fetch beside the pages.
package static

import "embed"

// FS is the style sheets, the script and the icon.
//
//go:embed *.css *.js *.svg
var FS embed.FS
