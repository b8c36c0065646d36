package page_test

import (
	"strings"
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

// Each page has its own title and main, and its own layout if it defines one. Shared
// templates are found by all.
func TestPagesKeepTheirOwn(t *testing.T) {
	set, err := page.Parse(fstest.MapFS{
		"layout.html": {Data: []byte(`{{define "jar"}}(jar){{end}}{{define "layout"}}<title>{{template "title"}}</title>{{template "main"}}{{end}}`)},
		"a.html":      {Data: []byte(`{{define "title"}}A{{end}} {{define "main"}}{{template "jar"}} a{{end}}`)},
		"b.html":      {Data: []byte(`{{define "title"}}B{{end}} {{define "main"}}b{{end}}`)},
		"c.html":      {Data: []byte(`{{define "layout"}}<b>{{template "main"}}</b>{{end}} {{define "main"}}c {{template "jar"}}{{end}}`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "<title>A</title>(jar) a", "b": "<title>B</title>b", "c": "<b>c (jar)</b>"} {
		if got, err := set.Render(name, nil); err != nil || string(got) != want {
			t.Errorf("%s is %q (error %v), want %q", name, got, err, want)
		}
	}
}

// Two files that define a template of the same name would change each other's pages.
func TestParseRefusesATemplateDefinedTwice(t *testing.T) {
	_, err := page.Parse(fstest.MapFS{
		"layout.html": {Data: []byte(`{{define "layout"}}{{template "main"}}{{end}}`)},
		"a.html":      {Data: []byte(`{{define "row"}}1{{end}}{{define "main"}}{{template "row"}}{{end}}`)},
		"b.html":      {Data: []byte(`{{define "row"}}2{{end}}{{define "main"}}{{template "row"}}{{end}}`)},
	}, nil)
	if err == nil || !strings.Contains(err.Error(), `b.html: another file defines "row" too`) {
		t.Errorf("error %v", err)
	}
}

func TestParseRefusesPagesWithoutALayout(t *testing.T) {
	if _, err := page.Parse(fstest.MapFS{"a.html": {Data: []byte(`{{define "main"}}a{{end}}`)}}, nil); err == nil {
		t.Error("a page without a layout was taken")
	}
}
