package session

import (
	"strings"
	"testing"
	"time"
)

// inside returns a cache that may be trusted, and its time.
func inside() (*cache, time.Time) {
	var c cache
	now := time.Now()
	c.init(now)
	c.changed(now, nil)
	return &c, now
}

func TestAnotherSIDWithTheSameHashIsNotFound(t *testing.T) {
	c, now := inside()
	c.put(Session{SID: "ada's"}, true, now, 0)
	_, hash, at := c.findLocked("ada's")
	_, other, _ := c.findLocked("bob's")
	delete(c.places, hash)
	c.places[other] = at // as if the two had one hash
	if e, _, fresh := c.get("bob's", now); e.SID != "" || fresh {
		t.Errorf("bob's sid found %q, fresh %t", e.SID, fresh)
	}
	c.put(Session{SID: "bob's"}, true, now, 0)
	if e, _, fresh := c.get("bob's", now); e.SID != "bob's" || !fresh {
		t.Errorf("bob's sid, put in its place, found %q, fresh %t", e.SID, fresh)
	}
}

func TestAnEntryThatIsTooLongIsNotKept(t *testing.T) {
	c, now := inside()
	row := Session{SID: "ada's", DisplayName: strings.Repeat("x", block*unit)}
	if e := c.put(row, true, now, 0); e.DisplayName != row.DisplayName || !e.live {
		t.Error("put did not return what it was given")
	}
	if e, _, fresh := c.get("ada's", now); e.SID != "" || fresh {
		t.Errorf("got %d bytes, fresh %t; want nothing", len(e.DisplayName), fresh)
	}
}
