package anatomy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Dictionary is the keys and values of a payload, in their order. It is immutable: its
// methods return a changed copy.
type Dictionary []Entry

// Entry is one key of a dictionary.
type Entry struct {
	Key  string
	JSON string // its value as JSON
}

var errNoDictionary = errors.New("json: not a dictionary")

// Text returns a string value as it is, and any other value as JSON.
func (e Entry) Text() string {
	var text string
	if json.Unmarshal([]byte(e.JSON), &text) == nil {
		return text
	}
	return e.JSON
}

// String returns the entry as JSON, or "" for an entry without a value.
func (e Entry) String() string {
	if e.JSON == "" {
		return ""
	}
	return quote(e.Key) + ":" + e.JSON
}

// Set returns the dictionary with the text as the value of the key.
func (d Dictionary) Set(key, text string) Dictionary { return d.set(Entry{key, quote(text)}) }

// Get returns the value of the key as [Entry.Text] does, or "" if there is none.
func (d Dictionary) Get(key string) string {
	e, _ := d.find(key)
	return e.Text()
}

func (d Dictionary) find(key string) (Entry, bool) {
	i := slices.IndexFunc(d, func(e Entry) bool { return e.Key == key })
	if i < 0 {
		return Entry{}, false
	}
	return d[i], true
}

func (d Dictionary) set(e Entry) Dictionary {
	d = slices.Clone(d)
	if i := slices.IndexFunc(d, func(old Entry) bool { return old.Key == e.Key }); i >= 0 {
		d[i] = e
		return d
	}
	return append(d, e)
}

// String returns the dictionary as JSON.
func (d Dictionary) String() string {
	all := make([]string, 0, len(d))
	for _, e := range d {
		all = append(all, e.String())
	}
	return "{" + strings.Join(all, ",") + "}"
}

// ParseDictionary reads a JSON object. If a key repeats, its last value wins.
// Errors: those of encoding/json, and one for JSON that is not an object.
func ParseDictionary(text []byte) (Dictionary, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(text))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoDictionary
	}
	var d Dictionary
	for in.More() {
		key, err := in.Token()
		var value json.RawMessage
		if err == nil {
			err = in.Decode(&value)
		}
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("json: reading an entry: %w", err)
		}
		d = d.set(Entry{name, compact(value)})
	}
	return d, nil
}

// compact returns valid JSON without insignificant white space.
func compact(value []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		panic(err) // the caller passes valid JSON
	}
	return b.String()
}

// quote returns the text as a JSON string, without escaping <, > and &.
func quote(text string) string {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(text); err != nil {
		panic(err) // every string can be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}
