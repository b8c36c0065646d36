package passkey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
)

const (
	// MaxAnswer is the maximum size of an answer, in bytes. Real devices send a few hundred,
	// and about 2,000 with an RSA key.
	MaxAnswer = 16 << 10

	maxKey        = 1 << 10 // bytes of a public key: an RSA key of 4,096 bits has about 540
	maxTransports = 8
)

// Registration is the input of Add.
type Registration struct {
	Name   string // as typed
	Answer string // the result of navigator.credentials.create, as JSON
	Holder string // that of the Question in CreateOptions
	SID    string // of the session that registers the passkey; it is not ended
}

// Added is the result of Add.
type Added struct {
	Recovery []string // the account's first recovery codes; nil if it had some
	AMR      string   // the authentication methods of this registration, in the words of RFC 8176
}

// Add registers the passkey for the account, and ends the account's other sessions.
// Errors: ErrName, ErrAnswer, ErrChallenge, ErrExpired, ErrUsed, ErrTaken, ErrMany,
// ErrUnknown when the account was deleted or disabled, db.ErrUnavailable.
func (s *Store) Add(ctx context.Context, of identity.Identity, n Registration, by audit.Actor) (added Added, err error) {
	name, err := checkName(n.Name)
	if err != nil {
		return Added{}, err
	}
	made, c, err := s.verifyNew(of, n)
	if err != nil {
		return Added{}, fmt.Errorf("verifying a new passkey: %w", err)
	}
	made.Name, added.AMR = name, methods(made.credential.Flags.ProtocolValue())
	err = s.changing(ctx, of, n.SID, by, func(tx *db.Tx) error {
		if err := s.spend(ctx, tx, c); err != nil {
			return err
		}
		if err := checkLimit(ctx, tx, of.ID); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, of.ID, made); err != nil {
			return err
		}
		if err := s.notify(ctx, tx, of, "A passkey was added: "+name+".", by); err != nil {
			return err
		}
		if err := s.record(ctx, tx, by, "passkey.added", of, name); err != nil || s.FirstRecovery == nil {
			return err
		}
		added.Recovery, err = s.FirstRecovery(ctx, tx, of, by)
		return err
	})
	if err != nil {
		return Added{}, fmt.Errorf("adding a passkey: %w", err)
	}
	return added, nil
}

// verifyNew verifies the answer, and returns the passkey that it registers and its
// challenge.
func (s *Store) verifyNew(of identity.Identity, n Registration) (made row, c challenge, err error) {
	if !s.On() || len(n.Answer) > MaxAnswer {
		return made, nil, ErrAnswer
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes([]byte(n.Answer))
	if err != nil {
		return made, nil, refused(err)
	}
	use := Register
	c, err = s.readChallenge(answer.Response.CollectedClientData.Challenge, Question{use, n.Holder})
	if errors.Is(err, ErrChallenge) {
		use = RegisterKey
		c, err = s.readChallenge(answer.Response.CollectedClientData.Challenge, Question{use, n.Holder})
	}
	if err != nil {
		return made, nil, err
	}
	// No attestation was requested, so none is checked.
	answer.Response.AttestationObject.Format = string(protocol.AttestationFormatNone)
	answer.Response.AttestationObject.AttStatement, answer.Response.AttestationObject.SubStatements = nil, nil
	asks := webauthn.SessionData{
		Challenge: c.text(), RelyingPartyID: s.host, UserID: s.handle(of.ID), CredParams: algorithms, Extensions: extensions.Session(),
		UserVerification: protocol.VerificationRequired,
	}
	if use == RegisterKey {
		asks.UserVerification = protocol.VerificationPreferred
	}
	credential, err := s.site.CreateCredential(user{handle: asks.UserID}, asks, answer)
	if err != nil {
		return made, nil, refused(err)
	}
	if _, err := webauthncose.ParsePublicKey(credential.PublicKey); err != nil || len(credential.PublicKey) > maxKey {
		return made, nil, ErrAnswer
	}
	found := credential.Extensions.RK // discoverable: usable without a username
	return row{
		credential: *credential,
		Passkey:    Passkey{MaySignIn: credential.Flags.UserVerified && (use == Register && found == nil || found != nil && *found)},
	}, c, nil
}

// refused wraps an error of the WebAuthn library in ErrAnswer.
func refused(err error) error { return fmt.Errorf("%w: %w", ErrAnswer, err) }

// checkLimit returns ErrUnknown if the account was deleted or disabled, and ErrMany if it
// already has MaxPasskeys. The transaction must have locked the account.
func checkLimit(ctx context.Context, tx *db.Tx, accountID string) error {
	has, err := db.One(ctx, tx, db.Int, `SELECT (SELECT COUNT(*) FROM passkeys p WHERE p.account_id = a.id) FROM accounts a
		WHERE a.id = ? AND a.disabled_at = 0`, accountID)
	switch {
	case errors.Is(err, db.ErrNone):
		return ErrUnknown
	case err == nil && has >= MaxPasskeys:
		return ErrMany
	}
	return err
}

func (s *Store) insert(ctx context.Context, tx *db.Tx, accountID string, p row) error {
	c := p.credential
	n, err := tx.Exec(ctx, `INSERT INTO passkeys
		(id, credential_id, account_id, rp_id, name, public_key, sign_count, flags, transports, may_sign_in, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (credential_id) DO NOTHING`,
		rand.Text(), base64.RawURLEncoding.EncodeToString(c.ID), accountID, s.host, p.Name, base64.RawURLEncoding.EncodeToString(c.PublicKey),
		int64(c.Authenticator.SignCount), int64(c.Flags.ProtocolValue()), transports(c.Transport), db.Flag(p.MaySignIn), db.Micros(s.Now()))
	if err == nil && n == 0 {
		return ErrTaken
	}
	return err
}

// transports returns the first maxTransports names, separated by commas, without
// malformed ones.
func transports(all []protocol.AuthenticatorTransport) string {
	var kept []string
	for _, one := range all[:min(len(all), maxTransports)] {
		if one != "" && len(one) <= 32 && strings.Trim(string(one), "abcdefghijklmnopqrstuvwxyz-") == "" {
			kept = append(kept, string(one))
		}
	}
	return strings.Join(kept, ",")
}

// user implements webauthn.User for an account.
type user struct {
	handle      []byte
	credentials []webauthn.Credential
}

func (u user) WebAuthnID() []byte                         { return u.handle }
func (u user) WebAuthnName() string                       { return "" }
func (u user) WebAuthnDisplayName() string                { return "" }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }
