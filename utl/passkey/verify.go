package passkey

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"glassjar/utl/db"
	"glassjar/utl/session"
)

// Claim is an answer whose signature was verified. It grants nothing until Spend.
type Claim struct {
	Account session.Verified // the passkey's account; set its With to the Claim, so that session.Start spends it

	store     *Store
	challenge challenge
	id        string // the passkey's ID
	count     uint32
	flags     protocol.AuthenticatorFlags
}

// CheckSignIn verifies the answer of a passkey that starts a sign-in: the result of
// navigator.credentials.get, as JSON. The account is the one that has the passkey. If
// only the signature is wrong, or the passkey may not start a sign-in, the Claim names
// that account too, for the audit log. Errors: ErrAnswer, ErrChallenge, ErrExpired,
// ErrUnknown, which is an UnknownError if no account has the passkey, ErrSecondOnly,
// db.ErrUnavailable.
func (s *Store) CheckSignIn(ctx context.Context, q Question, answer string) (Claim, error) {
	parsed, c, err := s.readAnswer(q, answer)
	if err != nil {
		return Claim{}, err
	}
	found, err := s.find(ctx, parsed.RawID)
	if err != nil {
		return Claim{}, err
	}
	handle := s.handle(found.account.AccountID)
	_, _, err = s.site.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) {
		return user{handle, []webauthn.Credential{found.credential}}, nil
	}, webauthn.SessionData{Challenge: c.text(), RelyingPartyID: s.host, UserVerification: protocol.VerificationRequired}, parsed)
	if err != nil {
		return Claim{Account: found.account}, fmt.Errorf("verifying a passkey: %w", refused(err))
	}
	if !found.MaySignIn {
		return Claim{Account: found.account}, ErrSecondOnly
	}
	return s.claim(found, c, parsed), nil
}

// CheckOf verifies the answer of one of the account's passkeys, for the second step of a
// sign-in or for a proof; a proof needs a passkey that may sign in. After a second step
// the Claim's level and methods include the password. Errors: CheckSignIn's; ErrUnknown
// also when the passkey is another account's.
func (s *Store) CheckOf(ctx context.Context, q Question, accountID, answer string) (Claim, error) {
	parsed, c, err := s.readAnswer(q, answer)
	if err != nil {
		return Claim{}, err
	}
	found, err := s.find(ctx, parsed.RawID)
	if err != nil {
		return Claim{}, err
	}
	if found.account.AccountID != accountID {
		return Claim{}, ErrUnknown
	}
	handle := s.handle(accountID)
	_, err = s.site.ValidateLogin(user{handle, []webauthn.Credential{found.credential}}, webauthn.SessionData{
		Challenge: c.text(), RelyingPartyID: s.host, UserID: handle, AllowedCredentialIDs: [][]byte{found.credential.ID}, UserVerification: q.verification(),
	}, parsed)
	if err != nil {
		return Claim{}, fmt.Errorf("verifying a passkey: %w", refused(err))
	}
	if !found.MaySignIn && q.Use != SecondStep {
		return Claim{}, ErrSecondOnly
	}
	made := s.claim(found, c, parsed)
	if q.Use == SecondStep {
		made.Account.Level, made.Account.AMR = 2, methods(made.flags, "pwd")
	}
	return made, nil
}

// readAnswer parses the answer, and verifies its challenge for the Question.
func (s *Store) readAnswer(q Question, answer string) (*protocol.ParsedCredentialAssertionData, challenge, error) {
	if !s.On() || len(answer) > MaxAnswer {
		return nil, nil, ErrAnswer
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return nil, nil, refused(err)
	}
	c, err := s.readChallenge(parsed.Response.CollectedClientData.Challenge, q)
	return parsed, c, err
}

// find returns the passkey with the credential id. Errors: ErrUnknown, which is an
// UnknownError if no account has it.
func (s *Store) find(ctx context.Context, credentialID []byte) (row, error) {
	id := base64.RawURLEncoding.EncodeToString(credentialID)
	found, err := db.One(ctx, s.DB, scan, selectPasskeys+`p.credential_id = ? AND p.rp_id = ?`, id, s.host)
	if errors.Is(err, db.ErrNone) {
		var n int64
		if n, err = db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM passkeys WHERE credential_id = ?`, id); err == nil && n == 0 {
			return row{}, UnknownError{id}
		}
		if err == nil {
			return row{}, ErrUnknown // it belongs to a disabled account, or to another host
		}
	}
	if err != nil {
		return row{}, fmt.Errorf("reading a passkey: %w", err)
	}
	return found, nil
}

// claim returns the Claim of a verified answer. It uses the flags of this answer: the
// library keeps the user-verified flag of earlier ones.
func (s *Store) claim(found row, c challenge, parsed *protocol.ParsedCredentialAssertionData) Claim {
	data := parsed.Response.AuthenticatorData
	whose := found.account
	if data.Flags.HasUserVerified() {
		whose.Level, whose.AMR = 2, methods(data.Flags)
	}
	return Claim{Account: whose, store: s, challenge: c, id: found.ID, count: data.Counter, flags: data.Flags}
}

// methods returns the authentication methods that an answer with these flags proves,
// together with more, in the words of RFC 8176, section 2.
func methods(flags protocol.AuthenticatorFlags, more ...string) string {
	kind := "hwk" // a hardware-secured key, which stays in one device
	if flags.HasBackupEligible() {
		kind = "swk" // a software-secured key, which can be copied
	}
	all := append([]string{kind, "mfa"}, more...)
	if flags.HasUserVerified() {
		all = append(all, "user")
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// UserVerified reports whether the device verified its user for this answer, by a PIN, a
// fingerprint or a face.
func (c Claim) UserVerified() bool { return c.flags.HasUserVerified() }

// Spend marks the challenge as used and stores the passkey's signature counter, in the
// transaction of what the Claim allows. The transaction must have locked the account.
// Errors: ErrUsed, ErrCopied, ErrUnknown when the passkey was removed meanwhile,
// db.ErrUnavailable.
func (c *Claim) Spend(ctx context.Context, tx *db.Tx) error {
	if err := c.store.spend(ctx, tx, c.challenge); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE passkeys SET sign_count = ?, flags = ?, used_at = ? WHERE id = ? AND (sign_count < ? OR sign_count = 0 AND ? = 0)`,
		int64(c.count), int64(c.flags), db.Micros(c.store.Now()), c.id, int64(c.count), int64(c.count))
	if err != nil || n > 0 {
		return err
	}
	left, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM passkeys WHERE id = ?`, c.id)
	if err == nil && left == 0 {
		return ErrUnknown
	}
	if err == nil {
		err = ErrCopied
	}
	return err
}
