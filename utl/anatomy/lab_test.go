package anatomy_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"glassjar/utl/anatomy"
)

func TestJudge(t *testing.T) {
	lab, now := newLab(t), time.Now()
	good := lab.Sign("lab", reader.String(), now)
	other := anatomy.New(block, sign)
	c := parse(t, good)
	for _, tt := range []struct {
		row, name, value string
		err              string // empty: accepted
		failed           anatomy.Check
	}{
		{"the lab's own", "lab", good, "", 0},
		{"wrapped by a tool", "lab", good[:64] + "\r\n" + good[64:], "", 0},
		{"another payload", "lab", c.ReplacePayload(reader.Set("role", "admin")), "securecookie: the value is not valid", anatomy.Signature},
		{"another name", "glassjar", good, "securecookie: the value is not valid", anatomy.Signature},
		{"another key", "lab", other.Sign("lab", "{}", now), "securecookie: the value is not valid", anatomy.Signature},
		{"31 days old", "lab", lab.Sign("lab", "{}", now.Add(-31*24*time.Hour)), "securecookie: expired timestamp", anatomy.Age},
		{"29 days old", "lab", lab.Sign("lab", "{}", now.Add(-29*24*time.Hour)), "", 0},
		{"from the future", "lab", lab.Sign("lab", "{}", now.Add(2*time.Minute)), "securecookie: timestamp is too new", anatomy.Age},
		{"too long", "lab", lab.Sign("lab", strings.Repeat("a", 3000), now), "securecookie: the value is too long: 5392", anatomy.Length},
		{"nothing", "lab", "", "securecookie: the value is not valid", anatomy.Base64},
		{"no base64url", "lab", "a b", "securecookie: base64 decode failed - caused by: illegal base64 data at input byte 1", anatomy.Base64},
		{"two parts", "lab", "MXwx", "securecookie: the value is not valid", anatomy.Base64},
		{"no JSON", "lab", lab.Sign("lab", "role", now), "securecookie: error - caused by: invalid character 'r' looking for beginning of value", anatomy.Payload},
		{"no dictionary", "lab", lab.Sign("lab", "[]", now), "securecookie: error - caused by: json: not a dictionary", anatomy.Payload},
		{"any dictionary", "lab", lab.Sign("lab", `{"age":41,"of":[null]}`, now), "", 0},
	} {
		t.Run(tt.row, func(t *testing.T) {
			v := lab.Verify(tt.name, tt.value)
			if tt.err == "" {
				if v.Err != nil {
					t.Fatalf("refused: %v", v.Err)
				}
				return
			}
			if v.Err == nil || v.Err.Error() != tt.err || v.Failed != tt.failed {
				t.Errorf("got %q at check %d, want %q at check %d", v.Err, v.Failed, tt.err, tt.failed)
			}
		})
	}
}

// The last base64 character may have unused bits: securecookie ignores them, the lab accepts
// only one spelling, as the session does.
func TestJudgeTakesOneSpelling(t *testing.T) {
	lab, others := newLab(t), 0
	for _, pad := range []string{"", "aaa", "aaaaaa"} {
		good := lab.Sign("lab", reader.Set("pad", pad).String(), time.Now())
		last := strings.TrimRight(good, "=")
		accepted := 0
		for _, letter := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			v := lab.Verify("lab", last[:len(last)-1]+string(letter)+good[len(last):])
			if v.Err == nil {
				accepted++
			} else if v.Failed == anatomy.Spelling {
				others++
			}
		}
		if accepted != 1 {
			t.Errorf("%d letters of 64 are accepted at the end, want 1", accepted)
		}
	}
	if others != 3+15 {
		t.Errorf("%d other spellings are refused, want those of 2 and of 4 bits", others)
	}
}

// Sign makes the same bytes as gorilla/securecookie.
func TestSignIsTheLibrarys(t *testing.T) {
	lab := newLab(t)
	library, err := lab.Encode("lab", reader)
	if err != nil {
		t.Fatal(err)
	}
	at, _ := parse(t, library).Signed()
	if got := lab.Sign("lab", reader.String(), at); got != library {
		t.Errorf("got  %s\nwant %s", got, library)
	}
	if got, want := anatomy.Size("lab", reader), len("lab")+len(library); got != want {
		t.Errorf("a size of %d, want %d", got, want)
	}
}

func TestSealedIsUnreadableAndUnchangeable(t *testing.T) {
	lab := newLab(t)
	value, err := lab.Encrypt("lab", reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := parse(t, value).JSON()
	if err != nil || strings.Contains(raw, "role") || strings.Contains(raw, "reader") {
		t.Errorf("the encrypted payload reads %q, %v", raw, err)
	}
	if v := lab.VerifySealed("lab", value); v.Err != nil {
		t.Errorf("refused: %v", v.Err)
	}
	if v := lab.Verify("lab", value); v.Err == nil || v.Failed != anatomy.Payload {
		t.Errorf("without the block key: %v at check %d", v.Err, v.Failed)
	}
	for i := range value {
		for _, letter := range []byte("Aa") {
			changed := []byte(value)
			changed[i] = letter
			if v := lab.VerifySealed("lab", string(changed)); v.Err == nil && letter != value[i] {
				t.Errorf("with letter %d changed it is accepted", i)
			}
		}
	}
}

func TestSetKeys(t *testing.T) {
	lab := newLab(t)
	old := lab.Sign("lab", "{}", time.Now())
	lab.SetKeys(block, sign)
	if v := lab.Verify("lab", old); v.Failed != anatomy.Signature || v.Err == nil {
		t.Errorf("the old key's cookie: %v", v.Err)
	}
	if !bytes.Equal(lab.Key(), block[:]) {
		t.Error("another key is shown")
	}
}

func FuzzParse(f *testing.F) {
	lab := newLab(f)
	f.Add("lab", lab.Sign("lab", reader.String(), time.Unix(1795371641, 0)))
	f.Add("", "")
	f.Add("a|b", base64.URLEncoding.EncodeToString([]byte("||")))
	f.Add("lab", "MXwx\r\nfHw=")
	f.Fuzz(func(t *testing.T, name, value string) {
		c, err := anatomy.Parse(name, value)
		v := lab.Verify(name, value)
		if err != nil {
			if v.Err == nil || v.Failed > anatomy.Base64 {
				t.Errorf("it does not come apart (%v), and passes up to check %d (%v)", err, v.Failed, v.Err)
			}
			return
		}
		var letters strings.Builder
		for _, p := range c.Pieces() {
			letters.WriteString(p.Text)
		}
		if letters.String() != c.Value {
			t.Errorf("the pieces spell %q, want %q", letters.String(), c.Value)
		}
		if d, err := c.Dictionary(); err == nil {
			again, err := anatomy.Parse(name, c.ReplacePayload(d))
			if len(c.Value) < anatomy.MaxSize/2 && (err != nil || again.Signature.Text != c.Signature.Text || again.Timestamp.Text != c.Timestamp.Text) {
				t.Errorf("put together it is %+v, %v", again, err)
			}
		}
		if changes := anatomy.Changes(c, c); changes != nil {
			t.Errorf("it differs from itself: %v", changes)
		}
	})
}

// FuzzSign compares Sign, Parse and the library with each other.
func FuzzSign(f *testing.F) {
	f.Add("lab", `{"role":"admin"}`, int64(1795371641))
	f.Add("a|1", "|\x00<\u202e", int64(-1))
	f.Fuzz(func(t *testing.T, name, payload string, at int64) {
		lab := newLab(t)
		value := lab.Sign(name, payload, time.Unix(at, 0))
		c, err := anatomy.Parse(name, value)
		if len(value) > anatomy.MaxSize {
			return
		}
		if text, err2 := c.JSON(); err != nil || err2 != nil || text != payload {
			t.Errorf("parsed %q, %v, %v; want %q", text, err, err2, payload)
		}
		if v := lab.Verify(name, value); v.Err != nil && v.Failed < anatomy.Age {
			t.Errorf("refused at check %d: %v", v.Failed, v.Err)
		}
	})
}
