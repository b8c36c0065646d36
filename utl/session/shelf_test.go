package session

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// FuzzShelf holds the shelf against a map. Each byte of the script puts a
// record of so many bytes, or drops an old one.
func FuzzShelf(f *testing.F) {
	f.Add([]byte{1, 200, 255, 3, 3, 0, 255, 200, 17, 16, 15, 255, 255})
	f.Add(bytes.Repeat([]byte{250}, 300))
	f.Fuzz(func(t *testing.T, script []byte) {
		var s shelf
		want := map[place][]byte{}
		for i, b := range script {
			if b == 255 {
				for at, record := range want {
					s.drop(at, record)
					delete(want, at)
					break
				}
				continue
			}
			record := bytes.Repeat([]byte{byte(i)}, 1+int(b)*250)
			at := s.put(record)
			if want[at] != nil {
				t.Fatalf("place %d was given twice", at)
			}
			want[at] = record
		}
		for at, record := range want {
			if got := s.at(at); !bytes.HasPrefix(got, record) {
				t.Fatalf("at %d: got %d, want %d", at, got[0], record[0])
			}
		}
	})
}

func TestTheShelfUsesAgainWhatWasGivenBack(t *testing.T) {
	var s shelf
	record := make([]byte, 100)
	for range 10_000 {
		s.drop(s.put(record), record)
	}
	if len(s.blocks) != 1 {
		t.Errorf("%d blocks were made for one record at a time, want 1", len(s.blocks))
	}
}

// FuzzPacked packs an entry and unpacks it.
func FuzzPacked(f *testing.F) {
	f.Add("sid", "Ada", "", int64(1), int64(2), true)
	f.Add("", strings.Repeat("x", 70_000), "\x00", int64(-1), int64(1<<62), false)
	f.Fuzz(func(t *testing.T, sid, name, groups string, started, read int64, flag bool) {
		e := entry{
			Session: Session{
				SID: sid, ID: "id", AccountID: "a", Username: name, DisplayName: groups, Role: "r", Groups: groups, Email: "e",
				Started: time.UnixMicro(started).UTC(), Seen: time.UnixMicro(1).UTC(), Remember: flag, changed: read,
			},
			live: !flag, read: time.Duration(read),
		}
		p := pack(&e)
		if long := len(sid) + len(name) + 2*len(groups) + 4 + atTexts; long > block*unit {
			if p != nil {
				t.Fatalf("%d bytes were packed", long)
			}
			return
		}
		got := append(p, "what stands behind it"...).entry()
		if started > -1<<60 && started < 1<<60 && got != e {
			t.Errorf("got %+v, want %+v", got, e)
		}
	})
}
