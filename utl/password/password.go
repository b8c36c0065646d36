// Package password hashes passwords with argon2id and checks which ones may be
// set. It limits concurrent hashes, never runs a stored hash whose parameters
// cost too much, and makes an unknown name cost as much as a wrong password.
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

// QueueLen is the usual limit of calls that wait for a worker; the next one gets
// ErrBusy.
const QueueLen = 16

const (
	saltBytes = 16
	keyBytes  = 32

	// Limits of a stored hash's parameters; a hash that exceeds one is not run.
	maxMemory  = 256 << 10 // KiB
	maxTime    = 16
	maxThreads = 16
	maxPHC     = 256 // bytes; the limits above allow at most 207
)

var (
	// ErrWrong says that the password is not the one that was hashed.
	ErrWrong = errors.New("wrong password")
	// ErrBusy says that the queue is full: try again later.
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

// Workers returns how many hashes to run at once on a machine with that many
// cores: all but one, which serves other requests, and at least one.
func Workers(cores int) int { return max(1, cores-1) }

// problem returns why p must not be used, or "".
func (p Params) problem() string {
	switch {
	case p.Time < 1, p.Threads < 1, p.Memory < 8*uint32(p.Threads):
		return "parameters below argon2's minimum"
	case p.Memory > maxMemory, p.Time > maxTime, p.Threads > maxThreads:
		return "parameters cost too much"
	}
	return ""
}

// Hasher hashes and verifies passwords, a few at a time. It is safe for
// concurrent use.
type Hasher struct {
	// OnWait is called when a call begins to wait for its turn, and what it returns
	// when the wait is over; nil: nothing is.
	OnWait func() (over func())

	params  Params
	slots   chan struct{} // one for each call that waits or hashes
	workers chan struct{} // one for each call that hashes
	idle    chan struct{} // the one call of HashIdle that hashes
	idKey   func(pw, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

// NewHasher returns a Hasher that makes hashes of cost p, runs at most workers
// of them at once (at least one) and lets at most queue calls wait. It panics
// when p exceeds Verify's limits or is below argon2id's minimum.
func NewHasher(p Params, workers, queue int) *Hasher {
	workers = max(1, workers)
	if why := p.problem(); why != "" {
		panic("password: " + why)
	}
	return &Hasher{
		params:  p,
		slots:   make(chan struct{}, workers+queue),
		workers: make(chan struct{}, workers),
		idle:    make(chan struct{}, 1),
		idKey:   argon2.IDKey,
	}
}

// Hash returns pw's hash as a PHC string, with a new random salt. Errors:
// ErrLong, ErrNotUTF8, ErrShort (empty) and ErrCharacters for a pw that cannot be
// a password; ErrBusy for a full queue; ctx's own if it ends in the queue.
func (h *Hasher) Hash(ctx context.Context, pw string) (phc string, err error) {
	if pw, err = normalize(pw); err != nil {
		return "", err
	}
	r := h.emptyRecord()
	rand.Read(r.salt) // never fails: it ends the program instead
	if r.key, err = h.run(ctx, pw, r); err != nil {
		return "", err
	}
	return r.phc(), nil
}

// HashIdle is Hash for what may never keep a sign-in waiting: it takes a worker
// only if one is free and nobody waits for it, and one such call hashes at a time.
// Errors: those of Hash; ErrBusy comes at once.
func (h *Hasher) HashIdle(pw string) (phc string, err error) {
	if pw, err = normalize(pw); err != nil {
		return "", err
	}
	for _, place := range []chan struct{}{h.idle, h.slots, h.workers} {
		select {
		case place <- struct{}{}: // never before a call that waits: a channel serves those first
			defer func() { <-place }()
		default:
			return "", ErrBusy
		}
	}
	r := h.emptyRecord()
	rand.Read(r.salt) // never fails: it ends the program instead
	r.key = h.derive(pw, r)
	return r.phc(), nil
}

// Verify returns nil when pw is the password that phc was made from, and reports
// whether phc is weaker than a new hash, so that the caller makes one. Errors:
// ErrWrong, ErrHash with the reason, ErrBusy and ctx's own. A pw that cannot be
// normalized is ErrWrong at once; a rejected phc costs as much as a valid one.
func (h *Hasher) Verify(ctx context.Context, phc, pw string) (stale bool, err error) {
	if pw, err = normalize(pw); err != nil {
		return false, ErrWrong
	}
	r, refused := parse(phc)
	if refused != nil {
		r = h.emptyRecord()
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
	return r.weaker(h.params), nil
}

// Dummy is Verify for a name that nobody has: it costs as much and never returns
// nil, but ErrWrong once it has run.
func (h *Hasher) Dummy(ctx context.Context, pw string) error {
	_, err := h.Verify(ctx, "", pw)
	if errors.Is(err, ErrHash) {
		return ErrWrong
	}
	return err
}

// Busy reports whether the queue is full: Hash and Verify would return ErrBusy.
func (h *Hasher) Busy() bool { return len(h.slots) == cap(h.slots) }

// Waiting returns how many calls wait, about.
func (h *Hasher) Waiting() int { return max(0, len(h.slots)-len(h.workers)) }

// run takes a slot, waits for a worker and derives pw's key with r's parameters.
func (h *Hasher) run(ctx context.Context, pw string, r record) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return nil, ErrBusy
	}
	over := func() {}
	if h.OnWait != nil {
		over = h.OnWait()
	}
	select {
	case h.workers <- struct{}{}:
		defer func() { <-h.workers }()
	case <-ctx.Done():
	}
	over()
	if err := ctx.Err(); err != nil { // even when a worker came free as well
		return nil, fmt.Errorf("waiting to hash a password: %w", err)
	}
	return h.derive(pw, r), nil
}

// derive derives pw's key with r's parameters. The caller holds a worker.
func (h *Hasher) derive(pw string, r record) []byte {
	return h.idKey([]byte(pw), r.salt, r.Time, r.Memory, r.Threads, uint32(len(r.key))) //nolint:gosec // at most 64 bytes
}

// emptyRecord returns a record with this Hasher's cost and a zero salt and key.
func (h *Hasher) emptyRecord() record {
	return record{Params: h.params, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
}

// record is a parsed PHC string.
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

// weaker reports whether the record is weaker than a new hash of cost p.
func (r record) weaker(p Params) bool {
	return r.Memory < p.Memory || r.Time < p.Time || r.Threads < p.Threads ||
		len(r.salt) < saltBytes || len(r.key) < keyBytes
}

// parse parses a PHC string. Its errors are ErrHash with a reason that contains
// no part of the string.
func parse(phc string) (record, error) {
	if len(phc) > maxPHC {
		return record{}, fmt.Errorf("%w: too long", ErrHash)
	}
	var r record
	var tail string
	// Errors need no check of their own: the comparison below rejects every string
	// that is not the canonical spelling of the record.
	_, _ = fmt.Sscanf(phc, "$argon2id$v=19$m=%d,t=%d,p=%d$%s", &r.Memory, &r.Time, &r.Threads, &tail)
	salt, key, _ := strings.Cut(tail, "$")
	r.salt, _ = base64.RawStdEncoding.DecodeString(salt)
	r.key, _ = base64.RawStdEncoding.DecodeString(key)
	if r.phc() != phc {
		return record{}, fmt.Errorf("%w: not a PHC string of argon2id version 19", ErrHash)
	}
	if why := r.problem(); why != "" {
		return record{}, fmt.Errorf("%w: %s", ErrHash, why)
	}
	if len(r.salt) < 8 || len(r.salt) > 64 || len(r.key) < 16 || len(r.key) > 64 {
		return record{}, fmt.Errorf("%w: salt of %d bytes, key of %d", ErrHash, len(r.salt), len(r.key))
	}
	return r, nil
}
