package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// listing has the flag of a command that prints a list.
type listing struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// row is a line of a list.
type row struct {
	value any      // for --json
	cells []string // for people
}

// print prints the rows as aligned columns, or as JSON, one object per line.
func (l listing) print(a *app, rows []row) error {
	if l.JSON {
		to := json.NewEncoder(a.Stdout)
		to.SetEscapeHTML(false)
		for _, r := range rows {
			if err := to.Encode(r.value); err != nil {
				return fmt.Errorf("printing a list: %w", err)
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		for i, cell := range r.cells {
			r.cells[i] = printable(cell)
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join(r.cells, "\t"), "\t"))
	}
	return w.Flush()
}

// printable replaces unprintable characters, which could control the terminal: strangers
// choose some texts, such as a browser's User-Agent.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
}

// dash returns the text, or a dash if it is empty.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// at formats a time for lists.
func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }
