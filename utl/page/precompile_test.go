package page_test

import (
	"testing"
	"testing/fstest"

	"glassjar/utl/page"
)

type note struct{ Title, Text string }

func pages(t testing.TB, main string) *page.Set {
	t.Helper()
	set, err := page.Parse(fstest.MapFS{
		"layout.html": {Data: []byte(`{{define "layout"}}<title>{{.Title}}</title>{{template "main" .}}{{end}}`)},
		"note.html":   {Data: []byte(`{{define "main"}}` + main + `{{end}}`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func asNote(v []string) any { return note{v[0], v[1]} }

// FuzzPrecompiled compares a precompiled page with html/template, byte for byte.
func FuzzPrecompiled(f *testing.F) {
	set := pages(f, `<h1 class="{{.Title}}">{{.Title}}</h1><p title='{{.Text}}'>{{.Text}} or <b>{{.Text}}</b></p>`)
	c, err := set.Precompile("note", asNote, 3, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ada", "a note")
	f.Add(`<script>"'&+`, "\x00\xff\u2028 ¿")
	f.Fuzz(func(t *testing.T, title, text string) {
		want, err := set.Render("note", note{title, text})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Append(nil, title, text); string(got) != string(want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestCutRefusesAValueThatIsChangedOrMissing(t *testing.T) {
	for _, main := range []string{
		`<p>{{.Text}}</p><p>{{.Text}}</p>`,         // one time too many
		`<p>nothing</p>`,                           // not at all
		`{{if eq .Text "a note"}}{{.Text}}{{end}}`, // only with some data
	} {
		if _, err := pages(t, main).Precompile("note", asNote, 1, 1); err == nil {
			t.Errorf("%s was cut", main)
		}
	}
}

func BenchmarkPrecompiled(b *testing.B) {
	set := pages(b, `<p>{{.Text}}</p>`)
	c, err := set.Precompile("note", asNote, 1, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("joined", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 1024)
		for b.Loop() {
			buf = c.Append(buf[:0], "title", "text")
		}
	})
	b.Run("rendered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := set.Render("note", note{"title", "text"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
