// Package passkey keeps people's passkeys, and verifies what they sign: it makes
// the options that a browser is given, with a challenge that is signed, dated and
// good once, and checks the browser's answer. It refuses an answer made for another
// site, browser or account, an old or used challenge, and a passkey that seems to be
// copied. It asks for no attestation and looks at none.
package passkey

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// MaxPasskeys is how many passkeys an account may have.
const MaxPasskeys = 20

var (
	// ErrAnswer means that the answer is not one, or is not made for this site, by
	// this passkey, with the user verified where that is asked for.
	ErrAnswer = errors.New("the passkey's answer is not good")
	// ErrChallenge means that the challenge in the answer is none of this site's, or
	// was made for something else, or for another browser or account.
	ErrChallenge = fmt.Errorf("%w: its challenge is another one", ErrAnswer)
	// ErrExpired means that the challenge in the answer is too old.
	ErrExpired = errors.New("the challenge is too old")
	// ErrUsed means that the challenge in the answer was used already.
	ErrUsed = errors.New("the challenge was used already")
	// ErrUnknown means that no account that may sign in has the passkey, or not any
	// more.
	ErrUnknown = errors.New("no such passkey")
	// ErrCopied means that the passkey's count of signatures did not go up: there may be
	// a copy of it.
	ErrCopied = errors.New("the passkey's count did not go up: it may be copied")
	// ErrSecondOnly means that the passkey may only follow a password.
	ErrSecondOnly = errors.New("the passkey may not start a sign-in")
	// ErrTaken means that the passkey is registered already.
	ErrTaken = errors.New("the passkey is registered already")
	// ErrMany means that the account has as many passkeys as it may.
	ErrMany = fmt.Errorf("an account has at most %d passkeys", MaxPasskeys)
	// ErrName means that a passkey's name is not one.
	ErrName = errors.New("a passkey's name is 1 to 64 characters on one line")
)

// UnknownError is ErrUnknown of a credential that this site does not have at all.
// The browser may be told to offer it no more.
type UnknownError struct{ Credential string } // its id, in base64url

func (UnknownError) Error() string { return ErrUnknown.Error() }

// Unwrap returns ErrUnknown.
func (UnknownError) Unwrap() error { return ErrUnknown }

// Passkey is a passkey of an account.
type Passkey struct {
	ID         string // what pages call it
	Credential string // what browsers call it, in base64url
	Name       string
	Host       string // that it was made for: elsewhere it cannot be used
	MaySignIn  bool   // else it may only follow a password
	Synced     bool   // its maker may copy it to the person's other devices
	Made       time.Time
	Used       time.Time // last; zero: not yet
}

// Options are what a Store needs.
type Options struct {
	DB       *db.DB
	Sessions *session.Store
	Public   *url.URL   // how browsers reach the site
	SiteName string     // what browsers call it
	Keys     [][32]byte // the first signs challenges, every one verifies
	Now      func() time.Time

	// Changed, where given, tells the person in the transaction of a change, or
	// refuses it: detail is a sentence that says what was changed.
	Changed func(ctx context.Context, tx *db.Tx, accountID, detail string, by audit.Actor) error

	// FirstRecovery and LastRecovery, where given, make the account's recovery codes
	// with its first second factor and remove them with its last one, in the
	// transaction of the change.
	FirstRecovery func(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) ([]string, error)
	LastRecovery  func(ctx context.Context, tx *db.Tx, accountID string) error
}

// Store keeps passkeys. Without a Host it is off: browsers have passkeys for a site
// with a name and https alone, or for this machine's own.
type Store struct {
	Options

	host string
	site *webauthn.WebAuthn // nil: off
	keys atomic.Pointer[[][32]byte]
}

// New returns a store. It fails when there is no key.
func New(o Options) (*Store, error) {
	s := &Store{Options: o}
	if err := s.SetKeys(o.Keys); err != nil {
		return nil, err
	}
	if Host(o.Public) == "" {
		return s, nil
	}
	var err error
	s.host = Host(o.Public)
	s.site, err = webauthn.New(&webauthn.Config{
		RPID: s.host, RPDisplayName: o.SiteName, RPOrigins: []string{o.Public.Scheme + "://" + o.Public.Host},
		AttestationPreference:             protocol.PreferNoAttestation,
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore, // some browsers add outputs; none is looked at but credProps
	})
	if err != nil {
		return nil, fmt.Errorf("setting passkeys up for %s: %w", s.host, err)
	}
	return s, nil
}

// SetKeys makes the first key sign the challenges and every key verify them, from
// now on. No key at all is refused.
func (s *Store) SetKeys(keys [][32]byte) error {
	if len(keys) == 0 {
		return errors.New("no key for challenges")
	}
	s.keys.Store(&keys)
	return nil
}

// On reports whether there can be passkeys at this site.
func (s *Store) On() bool { return s != nil && s.site != nil }

// Host returns the host name that the site's passkeys are made for: its RP ID
// (WebAuthn, section 4). It is "" where browsers have no passkeys for the site: at an
// IP address, and over http but for this machine's own names.
func (s *Store) Host() string { return s.host }

// Elsewhere returns how many passkeys were made for another host than this one. They
// open nothing here, and their accounts want a second step all the same. Errors:
// db.ErrUnavailable.
func Elsewhere(ctx context.Context, from db.Querier, host string) (int64, error) {
	return db.One(ctx, from, db.Int, `SELECT COUNT(*) FROM passkeys WHERE rp_id <> ?`, host)
}

// Host returns the host name that passkeys are made for at a site that browsers
// reach by the URL, or "".
func Host(public *url.URL) string {
	name := strings.ToLower(public.Hostname())
	local := name == "localhost" || strings.HasSuffix(name, ".localhost")
	_, err := netip.ParseAddr(name)
	if err == nil || public.Scheme != "https" && !local || protocol.ValidateRPID(name) != nil {
		return ""
	}
	return name
}
