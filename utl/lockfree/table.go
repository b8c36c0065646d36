// Package lockfree has a hash table for caches that many cores read at once.
package lockfree

import (
	"math"
	"sync/atomic"
)

// setSize is how many items a set holds at most: a cache line of pointers.
const setSize = 8

// Set holds the items whose hashes select it.
type Set[T any] [setSize]atomic.Pointer[T]

// Table is a set-associative hash table of a fixed size. A lookup takes no lock and
// writes nothing, so cores do not wait for each other. In a full set a new item
// replaces an old one, so the size bounds the memory without counting. Lookups and
// changes may run at once; of two items put in the same set at once, one may be lost.
type Table[T any] []Set[T]

// New returns an empty table for so many items, 8 bytes each: a multiple of 8.
func New[T any](places int) Table[T] { return make(Table[T], places/setSize) }

// Set returns the set that can hold an item with the hash.
func (t Table[T]) Set(hash uint64) *Set[T] { return &t[hash%uint64(len(t))] }

// Find returns the set's item for which is reports true, or nil.
func (s *Set[T]) Find(is func(*T) bool) *T {
	for i := range s {
		if item := s[i].Load(); item != nil && is(item) {
			return item
		}
	}
	return nil
}

// Put stores the item. If the set is full it replaces, and returns, the item with
// the least worth.
func (s *Set[T]) Put(item *T, worth func(*T) int64) (evicted *T) {
	place, least := &s[0], int64(math.MaxInt64)
	for i := range s {
		has := s[i].Load() // once: a concurrent change may drop it
		if has == nil {
			place = &s[i]
			break
		}
		if w := worth(has); w < least {
			place, least = &s[i], w
		}
	}
	return place.Swap(item)
}

// DropIf drops the set's items that are due.
func (s *Set[T]) DropIf(due func(*T) bool) {
	for i := range s {
		if item := s[i].Load(); item != nil && due(item) {
			s[i].CompareAndSwap(item, nil) // not what a concurrent Put has stored in its place
		}
	}
}

// DropIf drops the items that are due from every set.
func (t Table[T]) DropIf(due func(*T) bool) {
	for i := range t {
		t[i].DropIf(due)
	}
}

// Count returns how many items there are. It walks the whole table.
func (t Table[T]) Count() (n int) {
	t.DropIf(func(*T) bool { n++; return false })
	return n
}
