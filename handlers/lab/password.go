package lab

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/password"
)

const (
	fastGuesses = 5000  // guesses with the fast function for the measurement
	mostUsed    = 10000 // number of common passwords that attackers try first
)

// PasswordPage is the data of /lab/password. It never contains the password.
type PasswordPage struct {
	stepLayout

	Problem string
	Kept    *keptPassword // nil: no password was sent
}

// keptPassword is what a server stores of a password, and the cost of guessing it.
type keptPassword struct {
	Hash, Again  phc // the same password, hashed twice
	Memory, Work string
	Fast         string // its SHA-256, the same each time, in hex
	Costs        []guessCost
	Common       bool // whether it is on the list of the most used ones
	Few          bool // whether it is four characters or fewer, once or again and again
	Length       string
	Least        int  // minimum length of a password on this site
	Short        bool // whether this one is shorter
}

// phc is a password's hash in its three parts, in order.
type phc struct{ Settings, Salt, Hash string }

// guessCost is the cost of guesses for somebody who stole the hashes.
type guessCost struct{ With, One, Second, Most string }

// Password answers GET /lab/password: the form.
func (s *Room) Password(w http.ResponseWriter, r *http.Request) error {
	return s.showPassword(w, r, http.StatusOK, PasswordPage{})
}

// PasswordSubmit answers POST /lab/password: the password hashed twice, and the cost of
// guessing it. The password is neither stored nor sent back.
func (s *Room) PasswordSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "password")
	if err != nil {
		return err
	}
	kept, err := s.keepTwice(form.Get("password"))
	status, problem := http.StatusOK, ""
	switch {
	case errors.Is(err, password.ErrBusy):
		w.Header().Set("Retry-After", "1")
		status, problem = http.StatusServiceUnavailable, "Somebody signs in just now, and that comes first. Try again in a second."
	case errors.Is(err, password.ErrShort):
		problem = "Type something: any word but a real password."
	case errors.Is(err, password.ErrLong):
		problem = fmt.Sprintf("A password has at most %d characters here. Nothing was hashed.", maxTyped)
	case errors.Is(err, password.ErrCharacters):
		problem = "There is a character in it that no password may have. Nothing was hashed."
	case err != nil:
		return err
	}
	return s.showPassword(w, r, status, PasswordPage{Problem: problem, Kept: kept})
}

func (s *Room) showPassword(w http.ResponseWriter, r *http.Request, status int, p PasswordPage) (err error) {
	if p.stepLayout, err = s.layout(w, r, "password"); err != nil {
		return err
	}
	if p.Kept != nil {
		p.visit.set("guess", p.Kept.Costs[1].One)
	}
	return s.renderVisit(w, status, "lab-password", p.visit, p)
}

// keepTwice hashes the password twice as the site does, and measures both ways of
// hashing. Errors: those of [password.Hasher.HashIdle].
func (s *Room) keepTwice(pw string) (*keptPassword, error) {
	length, err := password.Length(pw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("counting a password's characters: %w", err)
	case length > maxTyped:
		return nil, password.ErrLong
	}
	began := s.Now()
	first, err := s.hasher.HashIdle(pw)
	second, err2 := s.hasher.HashIdle(pw)
	if err := cmp.Or(err, err2); err != nil {
		return nil, fmt.Errorf("hashing a password of the lab: %w", err)
	}
	slow := s.Now().Sub(began) / 2
	common := password.Common(pw)
	few := errors.Is(common, password.ErrFew)
	kept := &keptPassword{
		Hash: parsePHC(first), Again: parsePHC(second), Common: common != nil && !few, Few: few,
		Length: count(length, "character", "characters"), Least: password.MinLength, Short: length < password.MinLength,
	}
	kept.Memory, kept.Work = kept.Hash.cost()
	sum := sha256.Sum256([]byte(pw))
	kept.Fast = hex.EncodeToString(sum[:])
	kept.Costs = []guessCost{newGuessCost("SHA-256", s.timeSHA256(pw)), newGuessCost("argon2id", slow)}
	return kept, nil
}

// timeSHA256 returns how long a guess takes with SHA-256.
func (s *Room) timeSHA256(pw string) time.Duration {
	guess := []byte(pw)
	began := s.Now()
	for range fastGuesses {
		sum := sha256.Sum256(guess)
		guess[0] ^= sum[0] // so that each guess differs
	}
	return s.Now().Sub(began) / fastGuesses
}

func newGuessCost(with string, one time.Duration) guessCost {
	one = max(one, time.Nanosecond) // the measured time may be 0
	return guessCost{with, formatDuration(one), thousands(twoDigits(int(time.Second / one))), formatDuration(mostUsed * one)}
}

// twoDigits rounds n down to two significant digits: a measurement is not more precise.
func twoDigits(n int) int {
	if n < 100 {
		return n
	}
	return 10 * twoDigits(n/10)
}

// parsePHC splits a hash of argon2id, as the site stores it, into its parts.
func parsePHC(text string) phc {
	hashAt := strings.LastIndexByte(text, '$')
	saltAt := strings.LastIndexByte(text[:hashAt], '$') + 1
	return phc{text[:saltAt], text[saltAt:hashAt], text[hashAt+1:]}
}

// cost returns the memory and the work that one hash needs.
func (p phc) cost() (memory, work string) {
	var m, t, lanes int
	_, _ = fmt.Sscanf(p.Settings, "$argon2id$v=19$m=%d,t=%d,p=%d$", &m, &t, &lanes) // the site's own format
	memory = thousands(m) + " KiB"
	if m >= 1<<10 {
		memory = thousands(m>>10) + " MiB"
	}
	return memory + " of memory", count(t, "round", "rounds") + ", " + count(lanes, "lane", "lanes")
}

// formatDuration formats a duration with enough precision to compare costs.
func formatDuration(d time.Duration) string {
	seconds := int(d / time.Second)
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2g µs", float64(d)/float64(time.Microsecond))
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d/time.Microsecond)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	case d < time.Minute:
		return fmt.Sprintf("%d s", seconds)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%s h %d min", thousands(seconds/3600), seconds/60%60)
}
