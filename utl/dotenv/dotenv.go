// Package dotenv parses the text of a .env file, with or without a byte order mark and
// Windows' line ends. It refuses malformed text. Its errors name a line and never quote
// one, because lines hold secrets.
package dotenv

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// maxSize is the maximum size of the text, in bytes.
const maxSize = 64 << 10

// Mark is the byte order mark, which some editors write at the start of UTF-8 text.
const Mark = "\ufeff"

var (
	errEncoding = errors.New("it is not saved as UTF-8, but perhaps as UTF-16: save it as UTF-8 in your editor")
	errSize     = fmt.Errorf("it is longer than %d KB", maxSize>>10)
)

// File is a parsed .env file.
type File struct {
	Values map[string]string // by name; the last line with a name counts
	Lines  []Line            // in the order of the file
	Lost   []Line            // those whose value has a $NAME that stands for nothing, and is not in it any more
}

// Line is a line that sets a value.
type Line struct {
	Name   string
	Number int // from 1; for a value of several lines, that of the first
}

// Parse parses the text. Its errors say what to change, and on which line.
func Parse(text []byte) (File, error) {
	text = bytes.TrimPrefix(text, []byte(Mark))
	switch {
	case len(text) > maxSize:
		return File{}, errSize
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.ContainsRune(text, 0):
		return File{}, errEncoding
	}
	lines, lost, err := split(text)
	if err != nil {
		return File{}, err
	}
	values, err := godotenv.UnmarshalBytes(text)
	if err != nil { // not wrapped: godotenv quotes the faulty line, which may hold a key
		return File{}, errSyntax(1)
	}
	return File{values, lines, lost}, nil
}

// errSyntax returns the error of the statement that begins on the line.
func errSyntax(number int) error {
	return fmt.Errorf("line %d is not NAME=value, or a quote is left open there: .env must hold lines of NAME=value, # comments and closed quotes", number)
}

// split returns the lines that set a value, and those of File.Lost. A quoted value may have
// several lines.
func split(text []byte) (all, lost []Line, err error) {
	var statement []byte
	begins, number := 1, 0
	for part := range bytes.Lines(text) {
		number++
		if statement == nil {
			begins = number
		}
		statement = append(statement, part...)
		if begins < number && !bytes.ContainsAny(part, `"'`) {
			continue // a quote is open, and this line does not close it
		}
		values, err := godotenv.UnmarshalBytes(statement)
		if err != nil {
			continue
		}
		if _, nameless := values[""]; nameless { // godotenv keeps a last line without "="
			return nil, nil, errSyntax(begins)
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if loses(statement, name, values[name], all) {
				lost = append(lost, Line{name, begins})
			}
			all = append(all, Line{name, begins})
		}
		statement = nil
	}
	if statement != nil {
		return nil, nil, errSyntax(begins)
	}
	return all, lost, nil
}

var reference = regexp.MustCompile(`\$\{?([A-Z0-9_]+)`)

// loses reports whether the statement's value for the name has a $NAME that godotenv
// replaced, and no line before has that name. value is the statement's on its own.
func loses(statement []byte, name, value string, before []Line) bool {
	const dollar, escaped = "\x01", "\x02" // for what godotenv does not replace
	plain, err := godotenv.Unmarshal(strings.NewReplacer(`\$`, escaped, `$`, dollar).Replace(string(statement)))
	literal := strings.ReplaceAll(plain[name], dollar, `$`)
	if err != nil || strings.ReplaceAll(literal, escaped, `$`) == value || strings.ReplaceAll(literal, escaped, `\$`) == value {
		return false
	}
	for _, found := range reference.FindAllStringSubmatch(literal, -1) {
		if !slices.ContainsFunc(before, func(l Line) bool { return l.Name == found[1] }) {
			return true
		}
	}
	return false
}
