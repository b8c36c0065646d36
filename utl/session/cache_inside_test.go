package session

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db"
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
	long := Session{SID: "ada's", DisplayName: strings.Repeat("x", block*unit)}
	if e := c.put(long, true, now, 0); e.DisplayName != long.DisplayName || !e.live {
		t.Error("put did not return what it was given")
	}
	if e, _, fresh := c.get("ada's", now); e.SID != "" || fresh {
		t.Errorf("got %d bytes, fresh %t; want nothing", len(e.DisplayName), fresh)
	}
	if len(c.places) > 0 {
		t.Error("it has a place")
	}
}

func TestARememberedCookieKnowsWhenItsSessionWasSeen(t *testing.T) {
	c, now := inside()
	c.put(Session{SID: "ada's", Seen: now}, true, now, 0)
	sent := cookie{name: "glassjar", value: strings.Repeat("x", signature+1)}
	c.remember(sent, "ada's", false)
	later := now.Add(time.Second)
	c.sawIt("ada's", later)
	if e, _ := c.find(sent, later); db.Micros(e.Seen) != db.Micros(later) {
		t.Errorf("seen %v, want %v", e.Seen, later)
	}
}

func TestTheShelfIsSmallAgain(t *testing.T) {
	c, now := inside()
	for i := range 10_000 {
		c.put(Session{SID: fmt.Sprint("sid-", i)}, true, now, 0)
	}
	later := now.Add(dropAfter)
	c.put(Session{SID: "ada's"}, true, later, 0)
	sent := cookie{value: "ada's" + strings.Repeat("s", signature)}
	c.remember(sent, "ada's", false)
	c.changed(later, nil)
	c.age(later.Add(1))
	checkBooks(t, c, 1)
	if e, _ := c.find(sent, later); len(c.shelf.blocks) != 1 || e.SID != "ada's" {
		t.Errorf("one entry has %d blocks, and its cookie finds %q", len(c.shelf.blocks), e.SID)
	}
	c.age(later.Add(2 * dropAfter))
	if checkBooks(t, c, 0); c.shelf.blocks != nil {
		t.Errorf("no entry has %d blocks", len(c.shelf.blocks))
	}
}

func TestACookieGoesWithAnEntryWhoseHashAnotherSIDHas(t *testing.T) {
	c, now := inside()
	sent := cookie{value: "ada's" + strings.Repeat("s", signature)}
	c.put(Session{SID: "ada's"}, true, now, 0)
	c.remember(sent, "ada's", false)
	_, hash, at := c.findLocked("ada's")
	_, other, _ := c.findLocked("bob's")
	c.places[other], c.of[other] = at, c.of[hash] // as if the two had one hash
	delete(c.places, hash)
	delete(c.of, hash)
	if e, _ := c.find(sent, now); !e.live {
		t.Fatal("the cookie is not remembered")
	}
	c.put(Session{SID: "bob's"}, true, now, 0)
	if e, _ := c.find(sent, now); e.live {
		t.Errorf("ada's cookie still finds %q", e.SID)
	}
}

// TestTheBooksOfTheCache does what comes to mind, many times over, and holds
// what is kept against what was put there.
func TestTheBooksOfTheCache(t *testing.T) {
	c, now := inside()
	dice := rand.New(rand.NewPCG(1, 2))
	want := map[string]Session{} // by sid; one without an account: there is no such session
	for i := range 20_000 {
		sid := fmt.Sprint("sid-", dice.IntN(50))
		switch dice.IntN(8) {
		case 0:
			want[sid] = Session{SID: sid, AccountID: fmt.Sprint(i), DisplayName: strings.Repeat("x", dice.IntN(300))}
			c.put(want[sid], true, now, c.gen)
		case 1:
			want[sid] = Session{SID: sid}
			c.put(want[sid], false, now, c.gen)
		case 2:
			c.forget(sid)
			delete(want, sid)
		case 3:
			for unsigned := range c.cookies {
				c.forgetCookie(unsigned)
				break
			}
		case 4:
			switch dice.IntN(100) {
			case 0:
				c.start(0)
				clear(want)
			case 1:
				c.moveLocked()
			}
		default:
			c.remember(cookie{value: strings.Repeat("s", signature) + sid + fmt.Sprint(dice.IntN(3)) + strings.Repeat("s", signature)}, sid, false)
		}
		for sid, row := range want {
			if e, _, _ := c.get(sid, now); e.SID != sid || e.AccountID != row.AccountID || e.DisplayName != row.DisplayName || e.live != (row.AccountID != "") {
				t.Fatalf("step %d: got %+v, want %+v", i, e, row)
			}
		}
		checkBooks(t, c, len(want))
	}
	if len(c.shelf.blocks) > 1 {
		t.Errorf("%d blocks hold 50 entries", len(c.shelf.blocks))
	}
}

// checkBooks fails the test unless the cache's parts agree.
func checkBooks(t *testing.T, c *cache, entries int) {
	t.Helper()
	none, listed, taken := 0, 0, 0
	for _, at := range c.places {
		p := packed(c.shelf.at(at)).whole()
		if taken += units(p); !p.live() {
			none++
		}
	}
	for hash, all := range c.of {
		for _, unsigned := range all {
			if has := c.cookies[unsigned]; has.hash != hash || has.at != c.places[hash] || !strings.Contains(unsigned, has.entry.SID) {
				t.Fatalf("the cookie %q names %q", unsigned, has.entry.SID)
			}
		}
		if listed += len(all); len(all) == 0 || len(all) > 3 {
			t.Fatalf("%d cookies are of one entry", len(all))
		}
	}
	if len(c.places) != entries || none != c.none || listed != len(c.cookies) || taken != c.shelf.taken {
		t.Fatalf("%d entries, %d of them none, %d cookies, %d units; by the books %d, %d, %d, %d",
			entries, none, listed, taken, len(c.places), c.none, len(c.cookies), c.shelf.taken)
	}
}
