package session

import "sync/atomic"

// setSize is how many items a set holds at most: a cache line of pointers.
const setSize = 8

// set holds the items whose hashes select it.
type set[T any] [setSize]atomic.Pointer[T]

// table is a set-associative hash table of a fixed size. A lookup takes no lock and
// writes nothing, so cores do not wait for each other. In a full set a new item
// replaces an old one, so the size bounds the memory without counting.
type table[T any] []set[T]

func newTable[T any](places int) table[T] { return make(table[T], places/setSize) }

func (t table[T]) set(hash uint64) *set[T] { return &t[hash%uint64(len(t))] }

// find returns the set's item for which is reports true, or nil.
func (s *set[T]) find(is func(*T) bool) *T {
	for i := range s {
		if item := s[i].Load(); item != nil && is(item) {
			return item
		}
	}
	return nil
}

// put stores the item. If the set is full it replaces, and returns, the item with
// the least worth.
func (s *set[T]) put(item *T, worth func(*T) int64) (evicted *T) {
	place := &s[0]
	for i := range s {
		has := s[i].Load()
		if has == nil {
			place = &s[i]
			break
		}
		if worth(has) < worth(place.Load()) {
			place = &s[i]
		}
	}
	return place.Swap(item)
}

// dropIf drops the set's items that are due.
func (s *set[T]) dropIf(due func(*T) bool) {
	for i := range s {
		if item := s[i].Load(); item != nil && due(item) {
			s[i].Store(nil)
		}
	}
}

// dropIf drops the items that are due from every set.
func (t table[T]) dropIf(due func(*T) bool) {
	for i := range t {
		t[i].dropIf(due)
	}
}
