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

// Record is one TLS record, as sent.
type Record struct {
	FromClient bool
	Bytes      []byte // with its five bytes of header
	Name       string // what it contains; a listener can know this only of the first two records
}

// recorder collects the records of both directions. It is safe for concurrent
// use by both ends.
type recorder struct {
	mu      sync.Mutex
	partial [2][]byte // by direction: the start of an incomplete record
	sealed  [2]int    // by direction: encrypted records so far
	records []Record
}

// add appends the records in what one end wrote.
func (t *recorder) add(fromClient bool, written []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	way := 0
	if fromClient {
		way = 1
	}
	rest := slices.Concat(t.partial[way], written)
	for len(rest) >= headerSize {
		size := headerSize + int(rest[3])<<8 + int(rest[4])
		if len(rest) < size {
			break
		}
		t.records = append(t.records, Record{fromClient, rest[:size:size], t.name(way, rest[0])})
		rest = rest[size:]
	}
	t.partial[way] = rest
}

// sealedNames are the names of each direction's encrypted records, in order (RFC
// 8446, section 2). The last name applies to all that follow.
var sealedNames = [2][]string{
	{"settings", "certificate", "proof of its key", "finished"},
	{"finished", "request"},
}

func (t *recorder) name(way int, kind byte) string {
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

// recordedConn is one end of a connection whose writes are recorded.
type recordedConn struct {
	net.Conn

	recorder   *recorder
	fromClient bool
}

// Write records the bytes and sends them.
func (c recordedConn) Write(b []byte) (int, error) {
	c.recorder.add(c.fromClient, b) // before the other end can answer
	return c.Conn.Write(b)
}

// ServerName returns where the record contains the server's name in the clear:
// Bytes[from:to]. It is empty if the record is not a ClientHello, or if the
// client connected to an address without a name (RFC 6066, section 3).
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
