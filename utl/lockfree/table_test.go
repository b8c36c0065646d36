package lockfree_test

import (
	"sync"
	"testing"

	"glassjar/utl/lockfree"
)

func itself(n *int) int64 { return int64(*n) }

func is(want int) func(*int) bool { return func(n *int) bool { return *n == want } }

func TestAFullSetEvictsTheLeastWorth(t *testing.T) {
	set := lockfree.New[int](8).Set(1)
	for i := range 8 {
		if evicted := set.Put(new(10-i), itself); evicted != nil {
			t.Fatalf("the set has room for eight, and evicted %d", *evicted)
		}
	}
	if evicted := set.Put(new(99), itself); evicted == nil || *evicted != 3 {
		t.Errorf("got %v evicted, want 3, the least", evicted)
	}
	if set.Find(is(3)) != nil || set.Find(is(99)) == nil || set.Find(is(10)) == nil {
		t.Error("the set does not hold the new item and the seven others")
	}
}

func TestDropIf(t *testing.T) {
	table := lockfree.New[int](80)
	for i := range 20 {
		table.Set(uint64(i)).Put(new(i), itself)
	}
	table.DropIf(func(n *int) bool { return *n%2 == 1 })
	if n := table.Count(); n != 10 {
		t.Errorf("%d items are left, want the 10 even ones", n)
	}
	if table.Set(3).Find(is(3)) != nil || table.Set(13).Find(is(13)) != nil || table.Set(12).Find(is(12)) == nil {
		t.Error("the wrong ones were dropped")
	}
}

// TestAtOnce has writers and readers meet in few sets: the race detector watches, and
// the size stays the bound.
func TestAtOnce(t *testing.T) {
	table := lockfree.New[int](16)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 1000 {
				set := table.Set(uint64(i))
				if found := set.Find(is(i)); found != nil && *found != i {
					t.Errorf("got %d, want %d", *found, i)
				}
				set.Put(new(i), itself)
				set.DropIf(is(i - w))
			}
		})
	}
	all.Wait()
	if n := table.Count(); n > 16 {
		t.Errorf("it holds %d, want 16 at most", n)
	}
}
