package anatomy

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's default, which authenticator apps know
	"encoding/binary"
	"fmt"
	"time"
)

// CodeStep is how long a code lives (RFC 6238, section 4.1).
const CodeStep = 30 * time.Second

// Code is the code of one step, with all that it is made of (RFC 4226, section
// 5.3; RFC 6238, section 4).
type Code struct {
	Step    int64    // half minutes since 1970
	Counter [8]byte  // Step, as it is signed
	MAC     [20]byte // the HMAC-SHA-1 of Counter
	Offset  int      // the last half byte of MAC: where Number begins in it
	Number  uint32   // four bytes of MAC without the first bit
	Digits  string   // the last six of Number
}

// StepAt returns the step at the time t.
func StepAt(t time.Time) int64 { return t.Unix() / int64(CodeStep/time.Second) }

// NewCode returns the secret's code of the step.
func NewCode(secret []byte, step int64) Code {
	c := Code{Step: step}
	binary.BigEndian.PutUint64(c.Counter[:], uint64(step)) //nolint:gosec // RFC 6238 counts so
	mac := hmac.New(sha1.New, secret)
	mac.Write(c.Counter[:])
	mac.Sum(c.MAC[:0])
	c.Offset = int(c.MAC[19] & 0xf)
	c.Number = binary.BigEndian.Uint32(c.MAC[c.Offset:]) & 0x7fffffff
	c.Digits = fmt.Sprintf("%06d", c.Number%1e6)
	return c
}
