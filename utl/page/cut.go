package page

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Cut is a page that was rendered once and cut where its values stand, so that
// it can be made again by joining: the same bytes, without the work.
type Cut struct {
	parts  []string
	values []int // values[i] follows parts[i]
}

// Cut renders the page with marks for values, made into its data by data, and
// cuts it there. Values may stand in text and in quoted attributes alone.
// It fails when a mark does not come back as often as times says, value by
// value.
func (s *Set) Cut(name string, data func(values []string) any, times ...int) (*Cut, error) {
	marks := make([]string, len(times))
	for i := range marks {
		marks[i] = "xCUTx" + strconv.Itoa(i) + "xCUTx" // the same escaped and not
	}
	whole, err := s.Render(name, data(marks))
	if err != nil {
		return nil, err
	}
	for i, mark := range marks {
		if got := bytes.Count(whole, []byte(mark)); got != times[i] {
			return nil, fmt.Errorf("cutting the page %s: value %d stands in it %d times, want %d", name, i, got, times[i])
		}
	}
	return cut(string(whole), marks), nil
}

func cut(rest string, marks []string) *Cut {
	c := &Cut{}
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

// Append appends the page, made with the values, to b.
func (c *Cut) Append(b []byte, values ...string) []byte {
	for i, part := range c.parts {
		b = append(b, part...)
		if i < len(c.values) {
			b = escape(b, values[c.values[i]])
		}
	}
	return b
}

// escape appends s as html/template writes it in text and quoted attributes.
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
