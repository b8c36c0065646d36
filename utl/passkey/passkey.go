// Package passkey stores people's passkeys and verifies sign-ins with them (WebAuthn
// Level 3). It creates the options for the browser, with a challenge that is signed,
// expires and is accepted once, and verifies the browser's answer. It refuses an answer
// made for another site, browser or account, an expired or used challenge, and a passkey
// that was probably copied. It neither requests nor checks an attestation.
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
	// ErrAnswer means that the browser's answer is malformed, or was not made for this site
	// by this passkey, with its user verified where that is required.
	ErrAnswer = errors.New("the passkey's answer is not valid")
	// ErrChallenge means that the challenge in the answer was not made by this site, or was
	// made for another use, browser or account. It is also an ErrAnswer.
	ErrChallenge = fmt.Errorf("%w: its challenge is another one", ErrAnswer)
	// ErrExpired means that the challenge in the answer has expired.
	ErrExpired = errors.New("the challenge is too old")
	// ErrUsed means that the challenge in the answer was used before.
	ErrUsed = errors.New("the challenge was used already")
	// ErrUnknown means that no account that may sign in has the passkey.
	ErrUnknown = errors.New("no such passkey")
	// ErrCopied means that the passkey's signature counter did not increase, so that a copy
	// of it may exist (WebAuthn, section 6.1.1).
	ErrCopied = errors.New("the passkey's count did not go up: it may be copied")
	// ErrSecondOnly means that the passkey may only follow a password.
	ErrSecondOnly = errors.New("the passkey may not start a sign-in")
	// ErrTaken means that the passkey is registered already.
	ErrTaken = errors.New("the passkey is registered already")
	// ErrMany means that the account already has MaxPasskeys passkeys.
	ErrMany = fmt.Errorf("an account has at most %d passkeys", MaxPasskeys)
	// ErrName means that the name of a passkey is malformed.
	ErrName = errors.New("a passkey's name is 1 to 64 characters on one line")
)

// UnknownError is an ErrUnknown for a credential that this site has never had or has
// deleted. The page may tell the browser to stop offering it.
type UnknownError struct{ Credential string } // the credential id, in base64url

func (UnknownError) Error() string { return ErrUnknown.Error() }

// Unwrap returns ErrUnknown.
func (UnknownError) Unwrap() error { return ErrUnknown }

// Passkey is a passkey of an account.
type Passkey struct {
	ID         string // used in URLs and forms; grants nothing
	Credential string // the credential id, in base64url
	Name       string
	Host       string // its RP ID, the only host where browsers use it
	MaySignIn  bool   // whether it may start a sign-in; else it may only follow a password
	Synced     bool   // whether its provider has backed it up, and may copy it to the person's other devices
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never used
}

// Options are what a Store needs.
type Options struct {
	DB       *db.DB
	Sessions *session.Store
	Public   *url.URL   // how browsers reach the site
	SiteName string     // the name that browsers show for the site
	Keys     [][32]byte // challenges are signed with the first key and verified with any
	Now      func() time.Time

	// Changed, if not nil, notifies the account's person of a change, in its transaction;
	// detail is a sentence that says what changed. An error from it rolls the change back.
	Changed func(ctx context.Context, tx *db.Tx, accountID, detail string, by audit.Actor) error

	// FirstRecovery and LastRecovery, if not nil, create the account's recovery codes with
	// its first second factor and delete them with its last one, in the transaction of the
	// change.
	FirstRecovery func(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) ([]string, error)
	LastRecovery  func(ctx context.Context, tx *db.Tx, accountID string) error
}

// Store stores passkeys. It is off if the site's URL allows none: see Host.
type Store struct {
	Options

	host   string
	site   *webauthn.WebAuthn // nil: off
	signIn [2]string          // SignInOptions before and after the challenge
	keys   atomic.Pointer[[][32]byte]
}

// New returns a Store. It returns an error if o has no key.
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
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore, // some browsers add outputs; only credProps is read
	})
	if err != nil {
		return nil, fmt.Errorf("setting passkeys up for %s: %w", s.host, err)
	}
	return s, s.splitSignIn()
}

// SetKeys replaces the keys: challenges are signed with the first and verified with any.
// It returns an error if there is none.
func (s *Store) SetKeys(keys [][32]byte) error {
	if len(keys) == 0 {
		return errors.New("no key for challenges")
	}
	s.keys.Store(&keys)
	return nil
}

// On reports whether passkeys can be used at this site.
func (s *Store) On() bool { return s != nil && s.site != nil }

// Host returns the site's RP ID, the host name that its passkeys belong to (WebAuthn,
// section 4), or "" if the store is off.
func (s *Store) Host() string { return s.host }

// Elsewhere returns how many stored passkeys belong to another host than this one. They
// cannot be used here, but their accounts still need a second factor. Errors:
// db.ErrUnavailable.
func Elsewhere(ctx context.Context, from db.Querier, host string) (int64, error) {
	return db.One(ctx, from, db.Int, `SELECT COUNT(*) FROM passkeys WHERE rp_id <> ?`, host)
}

// Host returns the RP ID of a site that browsers reach by this URL: its host name. It is
// "" if browsers allow no passkeys there: at an IP address, and over http except on
// localhost and names below it.
func Host(public *url.URL) string {
	name := strings.ToLower(public.Hostname())
	local := name == "localhost" || strings.HasSuffix(name, ".localhost")
	_, err := netip.ParseAddr(name)
	if err == nil || public.Scheme != "https" && !local || protocol.ValidateRPID(name) != nil {
		return ""
	}
	return name
}
