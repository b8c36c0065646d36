package mail

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"

	"glassjar/utl/browser"
)

//go:embed letter.txt letter.html
var files embed.FS

var (
	asText = texttemplate.Must(texttemplate.ParseFS(files, "letter.txt"))
	asHTML = htmltemplate.Must(htmltemplate.ParseFS(files, "letter.html"))
)

// letter is the text of a mail. Each field is one line.
type letter struct {
	Subject string
	Says    string
	Facts   []fact
	Before  string // text before the button
	Button  string
	Link    string
	After   string // text after the button
	Site    string
	Public  string // the site's URL
}

type fact struct{ Name, Value string }

// render returns the letter as plain text and as HTML.
func (l letter) render() (text, html string, err error) {
	var t, h bytes.Buffer
	if err := asText.Execute(&t, l); err != nil {
		return "", "", fmt.Errorf("writing a mail: %w", err)
	}
	if err := asHTML.Execute(&h, l); err != nil {
		return "", "", fmt.Errorf("writing a mail: %w", err)
	}
	return t.String(), h.String(), nil
}

// letter returns the text of the message.
func (s Server) letter(m Message, link Link) letter {
	k, site := kinds[m.Kind], line(s.Site, 128)
	if link.Known {
		k = kinds[known]
	}
	fill := strings.NewReplacer("{site}", site, "{name}", m.Username, "{detail}", m.Detail, "{until}", stamp(link.Expires)).Replace
	return letter{
		Subject: fill(k.subject), Says: fill(k.says), Facts: m.facts(),
		Before: fill(k.before), Button: k.button, Link: link.URL, After: fill(k.after),
		Site: site, Public: s.Public.String(),
	}
}

// facts returns when the change happened, and who made it or from where.
func (m Message) facts() []fact {
	if m.At.IsZero() {
		return nil
	}
	all := []fact{{"When", stamp(m.At)}}
	switch {
	case m.By != "":
		return append(all, fact{"By", m.By})
	case m.Address == "":
		return append(all, fact{"By", "a command on the server"})
	}
	return append(all, fact{"Browser", line(browser.Words(m.Agent), 60)}, fact{"Address", m.Address})
}

// capped returns the message as it is stored: each text one line of limited length.
func (m Message) capped() Message {
	m.Username, m.By, m.Address = line(m.Username, 64), line(m.By, 64), line(m.Address, 64)
	m.Detail, m.Agent = line(m.Detail, 254), line(m.Agent, 256)
	return m
}

// line returns the first n bytes of the text as one line, without unprintable
// characters: control characters, and marks that change the direction of text.
func line(text string, n int) string {
	seen := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return ' '
		}
		return c
	}, text[:min(len(text), n)])
	return strings.Join(strings.Fields(seen), " ")
}

func stamp(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }
