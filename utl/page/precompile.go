package page

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Precompiled is a page that was rendered once and split at its values. Append joins the
// parts to the same bytes, without executing the template.
type Precompiled struct {
	parts  []string
	values []int // values[i] follows parts[i]
}

// Precompile renders the page once with placeholders and splits the output at them. data
// turns the values into the page's data. Value i must appear times[i] times, or
// Precompile returns an error. Values may appear only in text and in quoted attributes.
func (s *Set) Precompile(name string, data func(values []string) any, times ...int) (*Precompiled, error) {
	marks := make([]string, len(times))
	for i := range marks {
		marks[i] = "xCUTx" + strconv.Itoa(i) + "xCUTx" // HTML escaping does not change it
	}
	whole, err := s.Render(name, data(marks))
	if err != nil {
		return nil, err
	}
	for i, mark := range marks {
		if got := bytes.Count(whole, []byte(mark)); got != times[i] {
			return nil, fmt.Errorf("precompiling the page %s: value %d appears in it %d times, want %d", name, i, got, times[i])
		}
	}
	return split(string(whole), marks), nil
}

func split(rest string, marks []string) *Precompiled {
	c := &Precompiled{}
	for {
		at, which := len(rest), -1
		for i, mark := range marks {
			if j := strings.Index(rest, mark); j >= 0 && j < at {
				at, which = j, i
			}
		}
		c.parts = append(c.parts, rest[:at])
		if which < 0 {
			return c
		}
		c.values = append(c.values, which)
		rest = rest[at+len(marks[which]):]
	}
}

// Append appends the page with these values to b.
func (c *Precompiled) Append(b []byte, values ...string) []byte {
	for i, part := range c.parts {
		b = append(b, part...)
		if i < len(c.values) {
			b = escape(b, values[c.values[i]])
		}
	}
	return b
}

// escape appends s, escaped as html/template escapes text and quoted attributes.
func escape(b []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		var with string
		switch s[i] {
		case 0:
			with = "\uFFFD"
		case '"':
			with = "&#34;"
		case '&':
			with = "&amp;"
		case '\'':
			with = "&#39;"
		case '+':
			with = "&#43;"
		case '<':
			with = "&lt;"
		case '>':
			with = "&gt;"
		default:
			continue
		}
		b = append(append(b, s[from:i]...), with...)
		from = i + 1
	}
	return append(b, s[from:]...)
}
