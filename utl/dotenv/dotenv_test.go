package dotenv_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/joho/godotenv"

	"glassjar/utl/dotenv"
)

const canary = "Canary-3f9a-Word"

func TestParse(t *testing.T) {
	for _, tt := range []struct{ row, text, want, lines string }{
		{"nothing", "", "map[]", "[]"},
		{"a byte order mark alone", "\ufeff", "map[]", "[]"},
		{"a byte order mark before a name", "\ufeffA=1\nB=2", "map[A:1 B:2]", "[{A 1} {B 2}]"},
		{"a byte order mark before a comment", "\ufeff# note\nA=1\n", "map[A:1]", "[{A 2}]"},
		{"a byte order mark before export", "\ufeffexport A=1", "map[A:1]", "[{A 1}]"},
		{"Windows' line ends", "\ufeffA=1\r\n\r\nB='2'\r\nC=3\r\n", "map[A:1 B:2 C:3]", "[{A 1} {B 3} {C 4}]"},
		{"spaces at the end", "A=1 \t\nB='2'  \nC=\"3\" # note\nD= 4  # note", "map[A:1 B:2 C:3 D:4]", "[{A 1} {B 2} {C 3} {D 4}]"},
		{"spaces around", "  A = 1\n\texport B=2", "map[A:1 B:2]", "[{A 1} {B 2}]"},
		{"a name twice", "A=1\nB=2\nA=3", "map[A:3 B:2]", "[{A 1} {B 2} {A 3}]"},
		{"a value over several lines", "A='1\nB=2\nC=3'\nD=4", "map[A:1\nB=2\nC=3 D:4]", "[{A 1} {D 4}]"},
		{"a quote in a comment", "# don't\nA=1 # don't\nB=2", "map[A:1 B:2]", "[{A 2} {B 3}]"},
		{"an empty value", "A=\nB=2", "map[A: B:2]", "[{A 1} {B 2}]"},
		{"one in another", "A=1\nB=$A", "map[A:1 B:1]", "[{A 1} {B 2}]"},
	} {
		t.Run(tt.row, func(t *testing.T) {
			got, err := dotenv.Parse([]byte(tt.text))
			if err != nil || fmt.Sprint(got.Values) != tt.want || fmt.Sprint(got.Lines) != tt.lines {
				t.Errorf("got %v, lines %v, error %v; want %s, lines %s", got.Values, got.Lines, err, tt.want, tt.lines)
			}
		})
	}
}

// A $NAME that stands for nothing is taken out of the value, which is then another.
func TestLost(t *testing.T) {
	for text, want := range map[string]string{
		"A=Cash$Flow": "[{A 1}]", "A=1\nB=\"x${C}y\"": "[{B 2}]", "A=$B\nB=1": "[{A 1}]", "A=$1": "[{A 1}]", "A=1\nB=$A$C": "[{B 2}]",
		"A=1\nB=$A ${A}": "[]", "A='Cash$Flow'": "[]", `A=Cash\$Flow`: "[]", `A='Cash\$Flow'`: "[]", "A=cash$flow": "[]", "A=5$": "[]", "A=1 # $B": "[]", "A=$": "[]",
	} {
		if got, err := dotenv.Parse([]byte(text)); err != nil || fmt.Sprint(got.Lost) != want {
			t.Errorf("%q: got %v, %v, error %v; want %s", text, got.Lost, got.Values, err, want)
		}
	}
}

// Attack secrets/canaries: an error names the line and quotes nothing of it.
func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ row, text, want string }{
		{"a quote left open", "A=1\nB='" + canary + "\nC=2\n", "line 2 is not NAME=value, or a quote is left open"},
		{"a name without a value", "A=1\n\n" + canary, "line 3 is not NAME=value"},
		{"a name without a value, not last", canary + "\nA=1", "line 1 is not NAME=value"},
		{"a strange name", "A=1\nA-B=" + canary, "line 2 is not NAME=value"},
		{"a mark in the middle", "A=1\n\ufeffB=" + canary, "line 2 is not NAME=value"},
		{"UTF-16, little end first", wide("A="+canary, true, true), "save it as UTF-8"},
		{"UTF-16, big end first", wide("A="+canary, false, true), "save it as UTF-8"},
		{"UTF-16 without a mark", wide("A="+canary, true, false), "save it as UTF-8"},
		{"another file", strings.Repeat("A=1\n", 20_000), "longer than 64 KB"},
	} {
		t.Run(tt.row, func(t *testing.T) {
			got, err := dotenv.Parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "Canary") {
				t.Errorf("got %v, error %v; want %q", got, err, tt.want)
			}
		})
	}
}

// wide returns the text in UTF-16, little or big endian, with or without a byte order mark.
func wide(text string, little, mark bool) string {
	if mark {
		text = dotenv.Mark + text
	}
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		if little {
			b.WriteByte(byte(u))
		}
		b.WriteByte(byte(u >> 8))
		if !little {
			b.WriteByte(byte(u))
		}
	}
	return b.String()
}

// FuzzParse checks that Parse does not panic, that it returns the values of godotenv, and
// that its lines have the names of its values.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "A=1", "\ufeffA=1", "A='\n'", "A=\"\n\"\nB=1", "A: b # c", "=", "A", "A='1' B=2", "\r\n", "export A=b", "A=\\\"\nB=\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := dotenv.Parse([]byte(text))
		if err != nil {
			return
		}
		want, err := godotenv.Unmarshal(strings.TrimPrefix(text, dotenv.Mark))
		if err != nil || !maps.Equal(got.Values, want) {
			t.Errorf("got %q, godotenv gives %q, error %v", got.Values, want, err)
		}
		for _, line := range got.Lines {
			if _, ok := got.Values[line.Name]; !ok {
				t.Errorf("line %d sets %q, which has no value", line.Number, line.Name)
			}
		}
		names := map[string]bool{}
		for _, line := range got.Lines {
			names[line.Name] = true
		}
		for _, name := range slices.Sorted(maps.Keys(got.Values)) {
			if !names[name] {
				t.Errorf("no line sets %q", name)
			}
		}
	})
}
