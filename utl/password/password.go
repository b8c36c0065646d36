// Package password keeps passwords as argon2id hashes and says which ones are
// good enough to be set. It refuses to hash more of them at once than the
// machine can bear, never runs a stored hash that would cost too much, and
// makes an unknown name cost what a wrong password costs.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Line is how many may wait for a worker before the next is told ErrBusy.
const Line = 16

const (
	saltBytes = 16
	keyBytes  = 32

	// What a stored hash may ask for; one that asks for more is not run.
	maxMemory  = 256 << 10 // KiB
	maxTime    = 16
	maxThreads = 16
	maxPHC     = 256 // bytes; the longest that the limits allow has 207
)

var (
	// ErrWrong says that the password is not the one that was hashed.
	ErrWrong = errors.New("wrong password")
	// ErrBusy says that the line for the workers is full: try again later.
	ErrBusy = errors.New("password hashing is busy")
	// ErrHash says that a stored hash is broken or costs too much to run.
	ErrHash = errors.New("stored password hash refused")
)

// Params is what one hash costs (RFC 9106, section 3.1).
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8  // lanes
}

// Recommended returns the least that OWASP's Password Storage Cheat Sheet
// recommends for argon2id: 19 MiB, two passes, one lane.
func Recommended() Params { return Params{Memory: 19456, Time: 2, Threads: 1} }

// Workers returns how many hashes to run at once on a machine of so many cores:
// all but one, which is left to answer other pages, and at least one.
func Workers(cores int) int { return max(1, cores-1) }

// fault returns why no hash may be made or run with p, or "".
func (p Params) fault() string {
	switch {
	case p.Time < 1, p.Threads < 1, p.Memory < 8*uint32(p.Threads):
		return "parameters below argon2's least"
	case p.Memory > maxMemory, p.Time > maxTime, p.Threads > maxThreads:
		return "parameters cost too much"
	}
	return ""
}

// Hasher hashes and verifies passwords, a few at a time. It is safe for
// concurrent use.
type Hasher struct {
	params  Params
	places  chan struct{} // held by whoever waits or hashes
	workers chan struct{} // held by whoever hashes
	idKey   func(pw, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

// NewHasher returns a Hasher that makes hashes of cost p, runs at most workers
// at once (at least one) and lets at most line wait. It panics when p is more
// than Verify would run or less than argon2id takes.
func NewHasher(p Params, workers, line int) *Hasher {
	workers = max(1, workers)
	if why := p.fault(); why != "" {
		panic("password: " + why)
	}
	return &Hasher{
		params:  p,
		places:  make(chan struct{}, workers+line),
		workers: make(chan struct{}, workers),
		idKey:   argon2.IDKey,
	}
}

// Hash returns pw's hash as a PHC string, under a new random salt. A pw of no
// use as a password is ErrLong, ErrNotUTF8, ErrShort (empty) or ErrCharacters;
// a full line is ErrBusy, and a ctx that ends while waiting its own error.
func (h *Hasher) Hash(ctx context.Context, pw string) (phc string, err error) {
	if pw, err = form(pw); err != nil {
		return "", err
	}
	r := h.blank()
	rand.Read(r.salt) // never fails: it ends the program instead
	if r.key, err = h.run(ctx, pw, r); err != nil {
		return "", err
	}
	return r.phc(), nil
}

// Verify returns nil when pw is the password behind phc, and reports whether
// phc is weaker than a new hash would be, so that the caller makes one. Else
// the error is ErrWrong, ErrHash with the reason, ErrBusy or ctx's own. A pw
// that form refuses is ErrWrong at once; a phc that is refused costs as much
// as a good one.
func (h *Hasher) Verify(ctx context.Context, phc, pw string) (stale bool, err error) {
	if pw, err = form(pw); err != nil {
		return false, ErrWrong
	}
	r, refused := parse(phc)
	if refused != nil {
		r = h.blank()
	}
	key, err := h.run(ctx, pw, r)
	switch {
	case err != nil:
		return false, err
	case refused != nil:
		return false, refused
	case subtle.ConstantTimeCompare(key, r.key) != 1:
		return false, ErrWrong
	}
	return r.below(h.params), nil
}

// Dummy costs what Verify costs, for a name that nobody has, and never returns
// nil: it is Verify with no hash, and ErrWrong when that ran.
func (h *Hasher) Dummy(ctx context.Context, pw string) error {
	_, err := h.Verify(ctx, "", pw)
	if errors.Is(err, ErrHash) {
		return ErrWrong
	}
	return err
}

// Busy reports whether the line is full: Hash and Verify would return ErrBusy.
func (h *Hasher) Busy() bool { return len(h.places) == cap(h.places) }

// run takes a place, waits for a worker and derives pw's key as r says.
func (h *Hasher) run(ctx context.Context, pw string, r record) ([]byte, error) {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return nil, ErrBusy
	}
	select {
	case h.workers <- struct{}{}:
		defer func() { <-h.workers }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil { // even when a worker came free as well
		return nil, fmt.Errorf("waiting to hash a password: %w", err)
	}
	return h.idKey([]byte(pw), r.salt, r.Time, r.Memory, r.Threads, uint32(len(r.key))), nil //nolint:gosec // at most 64 bytes
}

// blank returns a record of this Hasher's cost, its salt and key all zero.
func (h *Hasher) blank() record {
	return record{Params: h.params, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
}

// record is a PHC string taken apart.
type record struct {
	Params
	salt, key []byte
}

// phc returns the record as a PHC string.
func (r record) phc() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", r.Memory, r.Time, r.Threads,
		b64.EncodeToString(r.salt), b64.EncodeToString(r.key))
}

// below reports whether the record is weaker than a new hash of cost p.
func (r record) below(p Params) bool {
	return r.Memory < p.Memory || r.Time < p.Time || r.Threads < p.Threads ||
		len(r.salt) < saltBytes || len(r.key) < keyBytes
}

// parse takes a PHC string apart. Its errors are ErrHash with a reason that
// holds no part of the string.
func parse(phc string) (record, error) {
	if len(phc) > maxPHC {
		return record{}, fmt.Errorf("%w: too long", ErrHash)
	}
	var r record
	var tail string
	// Errors are left to the comparison below: what does not print as it was
	// read is refused, which covers them and every second spelling.
	_, _ = fmt.Sscanf(phc, "$argon2id$v=19$m=%d,t=%d,p=%d$%s", &r.Memory, &r.Time, &r.Threads, &tail)
	salt, key, _ := strings.Cut(tail, "$")
	r.salt, _ = base64.RawStdEncoding.DecodeString(salt)
	r.key, _ = base64.RawStdEncoding.DecodeString(key)
	if r.phc() != phc {
		return record{}, fmt.Errorf("%w: not a PHC string of argon2id version 19", ErrHash)
	}
	if why := r.fault(); why != "" {
		return record{}, fmt.Errorf("%w: %s", ErrHash, why)
	}
	if len(r.salt) < 8 || len(r.salt) > 64 || len(r.key) < 16 || len(r.key) > 64 {
		return record{}, fmt.Errorf("%w: salt of %d bytes, key of %d", ErrHash, len(r.salt), len(r.key))
	}
	return r, nil
}
