package session

const (
	unit  = 16   // bytes; a record takes whole units
	block = 4096 // units
)

// shelf keeps many short records in a few large blocks, into which the garbage
// collector does not look: a request costs as much beside a million sessions as
// beside ten. What is given back is used again by records of the same length.
type shelf struct {
	blocks [][]byte
	used   int             // units of the last block
	taken  int             // units of all records
	free   map[int][]place // what was given back, by how many units it has
}

// place is where a record stands, in units.
type place uint32

// put keeps a copy of the record, of at most block units.
func (s *shelf) put(record []byte) place {
	n := units(record)
	s.taken += n
	var at place
	if free := s.free[n]; len(free) > 0 {
		at, s.free[n] = free[len(free)-1], free[:len(free)-1]
	} else {
		if len(s.blocks) == 0 || s.used+n > block {
			s.blocks, s.used = append(s.blocks, make([]byte, block*unit)), 0
		}
		at = place((len(s.blocks)-1)*block + s.used) //nolint:gosec // 64 GB of records
		s.used += n
	}
	copy(s.at(at), record)
	return at
}

// at returns the record, and what stands behind it.
func (s *shelf) at(p place) []byte { return s.blocks[p/block][p%block*unit:] }

// drop gives the record's place back.
func (s *shelf) drop(p place, record []byte) {
	if s.free == nil {
		s.free = map[int][]place{}
	}
	n := units(record)
	s.taken -= n
	s.free[n] = append(s.free[n], p)
}

// sparse reports whether more than half of it is free.
func (s *shelf) sparse() bool { return s.taken < len(s.blocks)*block/2 }

func units(record []byte) int { return (len(record) + unit - 1) / unit }
