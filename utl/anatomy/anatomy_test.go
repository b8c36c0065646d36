package anatomy_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/anatomy"
)

// sign and block are the keys of the lab in these tests.
var (
	sign  = [32]byte(bytes.Repeat([]byte("0123456789abcdef"), 2))
	block = [32]byte(bytes.Repeat([]byte("fedcba9876543210"), 2))
)

var reader = anatomy.Dictionary{{Key: "role", JSON: `"reader"`}, {Key: "visits", JSON: "1"}}

func newLab(t testing.TB) *anatomy.Lab {
	t.Helper()
	return anatomy.New(sign, block)
}

func parse(t testing.TB, value string) anatomy.Cookie {
	t.Helper()
	c, err := anatomy.Parse("lab", value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseFindsThePartsAndTheirLetters(t *testing.T) {
	at := time.Unix(1795371641, 0)
	c := parse(t, newLab(t).Sign("lab", `{"role":"reader"}`, at))
	if got, want := c.Timestamp.Text, "1795371641"; got != want {
		t.Errorf("timestamp %q, want %q", got, want)
	}
	if got, ok := c.Signed(); !ok || !got.Equal(at) {
		t.Errorf("signed at %v, want %v", got, at)
	}
	if got, err := c.JSON(); err != nil || got != `{"role":"reader"}` {
		t.Errorf("payload %q, %v", got, err)
	}
	if got := len(c.Signature.Text); got != 32 {
		t.Errorf("a signature of %d bytes, want 32", got)
	}
	want := []string{"timestamp", "payload", "", "signature", ""}
	var got []string
	for _, p := range c.Pieces() {
		got = append(got, p.Part)
	}
	if !slices.Equal(got, want) {
		t.Errorf("pieces %q, want %q", got, want)
	}
}

// Parts are located exactly: changing the bytes of a part changes all of its characters and
// no others.
func TestLettersBelongToTheirPart(t *testing.T) {
	for _, payload := range []string{"{}", reader.String(), reader.Set("a", "b").String(), reader.Set("a", "bc").String()} {
		c := parse(t, newLab(t).Sign("lab", payload, time.Unix(1795371641, 0)))
		raw := []byte(c.Timestamp.Text + "|" + c.Payload.Text + "|" + c.Signature.Text)
		at := 0
		for _, p := range []anatomy.Part{c.Timestamp, c.Payload, c.Signature} {
			other := slices.Clone(raw)
			for i := range len(p.Text) {
				other[at+i] = ^other[at+i]
			}
			at += len(p.Text) + 1
			letters := base64.URLEncoding.EncodeToString(other)
			for i := range letters {
				if changed, within := letters[i] != c.Value[i], i >= p.From && i < p.To; changed != within {
					t.Errorf("letter %d: it changes with the part: %t, it is said to spell it: %t", i, changed, within)
				}
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	encode := func(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) }
	for _, tt := range []struct {
		row, value string
		want       error
	}{
		{"nothing", "", anatomy.ErrParts},
		{"two parts", encode("1795371641|e30="), anatomy.ErrParts},
		{"no base64url", "a b", base64.CorruptInputError(1)},
		{"standard base64", "+/+/", base64.CorruptInputError(0)},
		{"too long", strings.Repeat("A", anatomy.MaxSize+1), anatomy.ErrLong},
	} {
		t.Run(tt.row, func(t *testing.T) {
			if _, err := anatomy.Parse("lab", tt.value); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := anatomy.Parse("lab", encode("||")); err != nil {
		t.Errorf("three empty parts: got %v", err)
	}
}

func TestChanges(t *testing.T) {
	lab := newLab(t)
	was := parse(t, lab.Sign("lab", reader.String(), time.Unix(1795371641, 0)))
	renamed, dated := was, was
	renamed.Name = "glassjar"
	dated.Timestamp.Text = "1"
	broken := was
	broken.Payload.Text = "e"
	for _, tt := range []struct {
		row  string
		now  anatomy.Cookie
		want []anatomy.Change
	}{
		{"nothing", was, nil},
		{"its name", renamed, []anatomy.Change{{"name", "lab", "glassjar"}}},
		{"a value", parse(t, was.ReplacePayload(reader.Set("role", "admin"))), []anatomy.Change{{"payload", `"role":"reader"`, `"role":"admin"`}}},
		{"a key more", parse(t, was.ReplacePayload(reader.Set("a", "<b>"))), []anatomy.Change{{"payload", "", `"a":"<b>"`}}},
		{"a key less", parse(t, was.ReplacePayload(reader[:1])), []anatomy.Change{{"payload", `"visits":1`, ""}}},
		{"another order", parse(t, was.ReplacePayload(anatomy.Dictionary{reader[1], reader[0]})), []anatomy.Change{{Part: "payload"}}},
		{"no JSON", broken, []anatomy.Change{{Part: "payload"}}},
		{"its date", dated, []anatomy.Change{{"timestamp", "1795371641", "1"}}},
		{"signed again", parse(t, lab.Sign("lab", "{}", time.Unix(1795371641, 0))), []anatomy.Change{
			{"payload", `"role":"reader"`, ""}, {"payload", `"visits":1`, ""}, {Part: "signature"},
		}},
	} {
		t.Run(tt.row, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, anatomy.Changes(was, tt.now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDictionary(t *testing.T) {
	d := reader.Set("colour", "green").Set("role", "writer")
	if got, want := d.String(), `{"role":"writer","visits":1,"colour":"green"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := reader.String(), `{"role":"reader","visits":1}`; got != want {
		t.Errorf("the old one became %s, want %s", got, want)
	}
}

func TestParseDictionary(t *testing.T) {
	for _, tt := range []struct{ row, text, want string }{
		{"empty", "{}", "{}"},
		{"white space", "{ \"a\" : [ 1, 2 ]\n}", `{"a":[1,2]}`},
		{"a key twice", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"markup", `{"a":"<b>&"}`, `{"a":"<b>&"}`},
		{"nothing", "", ""},
		{"null", "null", ""},
		{"a list", `["a"]`, ""},
		{"a text", `"a"`, ""},
		{"cut", `{"a":1`, ""},
		{"two", `{}{}`, ""},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d, err := anatomy.ParseDictionary([]byte(tt.text))
			if tt.want == "" {
				if err == nil {
					t.Errorf("got %s, want an error", d)
				}
				return
			}
			if err != nil || d.String() != tt.want {
				t.Errorf("got %s, %v, want %s", d, err, tt.want)
			}
		})
	}
}
