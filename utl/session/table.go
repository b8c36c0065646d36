package session

import "sync/atomic"

// ways is how many places a set has: as many as a cache line of pointers.
const ways = 8

// set is the places where what has one hash may be.
type set[T any] [ways]atomic.Pointer[T]

// table is a hash table of a fixed number of places. Reading it takes no lock
// and writes nothing, so that many cores do it at once. In a full set a new item
// replaces an old one: the size bounds the memory, and nothing has to be counted.
type table[T any] []set[T]

func newTable[T any](places int) table[T] { return make(table[T], places/ways) }

func (t table[T]) set(hash uint64) *set[T] { return &t[hash%uint64(len(t))] }

// find returns the set's item for which is says so, or nil.
func (s *set[T]) find(is func(*T) bool) *T {
	for i := range s {
		if item := s[i].Load(); item != nil && is(item) {
			return item
		}
	}
	return nil
}

// put keeps the item in a place that is free or, if there is none, in that of
// the item that is worth least, which it returns.
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

// dropIf drops the items that are due.
func (s *set[T]) dropIf(due func(*T) bool) {
	for i := range s {
		if item := s[i].Load(); item != nil && due(item) {
			s[i].Store(nil)
		}
	}
}

// dropIf drops the items of every set that are due.
func (t table[T]) dropIf(due func(*T) bool) {
	for i := range t {
		t[i].dropIf(due)
	}
}
