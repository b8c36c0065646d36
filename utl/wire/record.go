package wire

import (
	"net"
	"slices"
	"sync"

	"golang.org/x/crypto/cryptobyte"
)

const (
	headerSize = 5 // type, version and length of a record (RFC 8446, section 5.1)

	typeChange    = 20
	typeHandshake = 22
)

// Record is one TLS record, as it passed.
type Record struct {
	FromClient bool
	Bytes      []byte // with its five bytes of header
	Name       string // what is in it: a listener sees this of the first two alone
}

// tape is what passed in both directions. It is safe for both ends at once.
type tape struct {
	mu      sync.Mutex
	cut     [2][]byte // by direction: the start of a record whose end is to come
	sealed  [2]int    // by direction: records of data so far
	records []Record
}

// add appends the records in what one end wrote.
func (t *tape) add(fromClient bool, written []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	way := 0
	if fromClient {
		way = 1
	}
	rest := slices.Concat(t.cut[way], written)
	for len(rest) >= headerSize {
		size := headerSize + int(rest[3])<<8 + int(rest[4])
		if len(rest) < size {
			break
		}
		t.records = append(t.records, Record{fromClient, rest[:size:size], t.name(way, rest[0])})
		rest = rest[size:]
	}
	t.cut[way] = rest
}

// sealedNames are the encrypted records of each direction, in their order (RFC
// 8446, section 2); the last one stands for all that follow.
var sealedNames = [2][]string{
	{"settings", "certificate", "proof of its key", "finished"},
	{"finished", "request"},
}

func (t *tape) name(way int, kind byte) string {
	switch kind {
	case typeHandshake:
		return "hello"
	case typeChange:
		return "empty"
	}
	names := sealedNames[way]
	name := names[min(t.sealed[way], len(names)-1)]
	t.sealed[way]++
	return name
}

// tapped is one end of a connection, whose writes go onto the tape.
type tapped struct {
	net.Conn

	tape       *tape
	fromClient bool
}

func (c tapped) Write(b []byte) (int, error) {
	c.tape.add(c.fromClient, b) // before the other end can answer
	return c.Conn.Write(b)
}

// ServerName returns where in the record the server's name stands, readable for
// everybody: Bytes[from:to]. It is empty where there is none: then the record
// is no client's hello, or the client asked for an address without a name (RFC
// 6066, section 3).
func (r Record) ServerName() (from, to int) {
	hello := cryptobyte.String(r.Bytes)
	var session, suites, compressions, extensions cryptobyte.String
	var kind uint8
	if !hello.Skip(headerSize) || !hello.ReadUint8(&kind) || kind != 1 || !hello.Skip(3+2+32) ||
		!hello.ReadUint8LengthPrefixed(&session) || !hello.ReadUint16LengthPrefixed(&suites) ||
		!hello.ReadUint8LengthPrefixed(&compressions) || !hello.ReadUint16LengthPrefixed(&extensions) {
		return 0, 0
	}
	for !extensions.Empty() {
		var extension uint16
		var data, names, name cryptobyte.String
		if !extensions.ReadUint16(&extension) || !extensions.ReadUint16LengthPrefixed(&data) {
			return 0, 0
		}
		if extension == 0 && data.ReadUint16LengthPrefixed(&names) && names.Skip(1) && names.ReadUint16LengthPrefixed(&name) {
			to = len(r.Bytes) - len(extensions) // the name ends its extension
			return to - len(name), to
		}
	}
	return 0, 0
}
