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

// Claim is an answer whose signature was verified. Nothing may come of it before
// Spend.
type Claim struct {
	Account session.Verified // whose passkey it is: what starts a session with it is With the claim

	store     *Store
	challenge challenge
	id        string // the passkey's
	count     uint32
	flags     protocol.AuthenticatorFlags
}

// CheckSignIn verifies the answer of a passkey that starts a sign-in, which
// navigator.credentials.get gave, as JSON. The account is the passkey's; where the answer
// names one and is not good, the claim has the account too. Errors: ErrAnswer,
// ErrChallenge, ErrExpired, ErrUnknown, which is an UnknownError where nobody has the
// passkey, ErrSecondOnly, db.ErrUnavailable.
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

// CheckOf verifies the answer of one of the account's passkeys: for a proof, of one that
// may sign in. What a second step is worth counts with the password before it. Errors:
// as CheckSignIn's; ErrUnknown when the passkey is another account's.
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

// readAnswer reads the answer and its challenge, which must be the question's.
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
// UnknownError where nobody has it.
func (s *Store) find(ctx context.Context, credentialID []byte) (row, error) {
	id := base64.RawURLEncoding.EncodeToString(credentialID)
	found, err := db.One(ctx, s.DB, scan, selectPasskeys+`p.credential_id = ? AND p.rp_id = ?`, id, s.host)
	if errors.Is(err, db.ErrNone) {
		var n int64
		if n, err = db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM passkeys WHERE credential_id = ?`, id); err == nil && n == 0 {
			return row{}, UnknownError{id}
		}
		if err == nil {
			return row{}, ErrUnknown // of a disabled account
		}
	}
	if err != nil {
		return row{}, fmt.Errorf("reading a passkey: %w", err)
	}
	return found, nil
}

// claim returns what the verified answer claims. The flags are the answer's own: the
// library remembers that the user was verified once.
func (s *Store) claim(found row, c challenge, parsed *protocol.ParsedCredentialAssertionData) Claim {
	data := parsed.Response.AuthenticatorData
	whose := found.account
	if data.Flags.HasUserVerified() {
		whose.Level, whose.AMR = 2, methods(data.Flags)
	}
	return Claim{Account: whose, store: s, challenge: c, id: found.ID, count: data.Counter, flags: data.Flags}
}

// methods returns how somebody proved who they are with a passkey whose answer has
// the flags, and by what else, as RFC 8176 names it.
func methods(flags protocol.AuthenticatorFlags, more ...string) string {
	kind := "hwk" // the key stays in one device
	if flags.HasBackupEligible() {
		kind = "swk"
	}
	all := append([]string{kind, "mfa"}, more...)
	if flags.HasUserVerified() {
		all = append(all, "user")
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// UserVerified reports whether the device verified its user for this very answer: by
// a PIN, a finger or a face.
func (c Claim) UserVerified() bool { return c.flags.HasUserVerified() }

// Spend uses the claim up, in the transaction of what it is for. The account must be
// locked. Errors: ErrUsed, ErrCopied, ErrUnknown when the passkey was removed
// meanwhile, db.ErrUnavailable.
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
