package page_test

import (
	"testing"
	"testing/fstest"

	"glassjar/utl/page"
)

// Parse returns an error for a template that cannot be parsed.
func TestParseRefusesWhatDoesNotParse(t *testing.T) {
	for name, text := range map[string]string{
		"an open action":       `{{define "main"}}{{`,
		"an unknown function":  `{{define "main"}}{{nosuch}}{{end}}`,
		"a block that is open": `{{define "main"}}`,
	} {
		_, err := page.Parse(fstest.MapFS{
			"layout.html": {Data: []byte(`{{define "layout"}}{{template "main" .}}{{end}}`)},
			"good.html":   {Data: []byte(`{{define "main"}}good{{end}}`)},
			"bad.html":    {Data: []byte(text)},
		}, nil)
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestThereIsNoPageOfAnotherName(t *testing.T) {
	set := pages(t, "a note")
	for _, name := range []string{"", "layout", "note.html", "other"} {
		if _, err := set.Render(name, nil); err == nil {
			t.Errorf("there is a page %q", name)
		}
	}
	if got, err := set.Render("note", note{Title: "t"}); err != nil || string(got) != "<title>t</title>a note" {
		t.Errorf("got %q, error %v", got, err)
	}
}
