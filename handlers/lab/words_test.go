package lab_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
)

// oneSpace replaces each run of white space with one space.
func oneSpace(text string) string { return strings.Join(strings.Fields(text), " ") }

// Each page of a step has a folded list of what it shows, in Python and Go. Each line of Go
// is in its file.
func TestLabWordsAreInTheCode(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	flask := ""
	for _, path := range webtest.LabPaths {
		if slices.Contains(webtest.LabReads, path) {
			continue
		}
		rows := b.Get(path).Find("details.words:not([open]) li")
		if rows.Length() < 2 {
			t.Errorf("%s: %d things are told in other words", path, rows.Length())
		}
		rows.Each(func(_ int, row *goquery.Selection) {
			file, line := row.Find(".go b").Text(), row.Find(".go code").Text()
			flask += row.Find(".python code").Text() + "\n"
			code, err := os.ReadFile(filepath.Join("../..", file))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return
			}
			for there := range strings.Lines(string(code)) {
				if strings.Contains(oneSpace(there), line) {
					return
				}
			}
			t.Errorf("%s: %s has no line with %s", path, file, line)
		})
	}
	for _, want := range []string{"request.args", `request.form["username"]`, "request.cookies.get", "session.pop", "app.secret_key = os.urandom(32)"} {
		if !strings.Contains(flask, want) {
			t.Errorf("nothing is told in the words %s", want)
		}
	}
}
