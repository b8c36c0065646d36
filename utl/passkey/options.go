package passkey

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"glassjar/utl/identity"
)

// timeout is the options' timeout, in milliseconds.
const timeout = int(Life / time.Millisecond)

// algorithms are the signature algorithms that passkeys may use.
var algorithms = webauthn.CredentialParametersRecommendedL3()

// extensions are requested at registration: credProps tells whether the passkey is
// discoverable, that is, usable without a username (WebAuthn, section 10.1.3).
var extensions = protocol.AuthenticationExtensions{CredProps: true}

// handle returns the account's user handle, which each of its passkeys for this host
// stores. It reveals nothing about the account (WebAuthn, section 14.6.1).
func (s *Store) handle(accountID string) []byte {
	sum := sha256.Sum256([]byte("glassjar passkey\x00" + s.host + "\x00" + accountID))
	return sum[:]
}

// Handle returns the account's user handle in base64url.
func (s *Store) Handle(accountID string) string {
	return base64.RawURLEncoding.EncodeToString(s.handle(accountID))
}

// CreateOptions returns the options of navigator.credentials.create, as JSON, for one
// more passkey of the account. Errors: db.ErrUnavailable.
func (s *Store) CreateOptions(ctx context.Context, q Question, of identity.Identity) (string, error) {
	has, err := s.descriptors(ctx, of.ID)
	if err != nil {
		return "", err
	}
	required := true
	chosen := protocol.AuthenticatorSelection{
		ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &required, UserVerification: protocol.VerificationRequired,
	}
	if q.Use == RegisterKey { // else security keys without a PIN could not be registered
		required = false
		chosen.ResidentKey, chosen.UserVerification = protocol.ResidentKeyRequirementDiscouraged, protocol.VerificationPreferred
	}
	return asJSON(protocol.CredentialCreation{Response: protocol.PublicKeyCredentialCreationOptions{
		RelyingParty: protocol.RelyingPartyEntity{ID: s.host, CredentialEntity: protocol.CredentialEntity{Name: s.SiteName}},
		User: protocol.UserEntity{
			ID: protocol.URLEncodedBase64(s.handle(of.ID)), DisplayName: of.Called(), CredentialEntity: protocol.CredentialEntity{Name: of.Username},
		},
		Challenge: protocol.URLEncodedBase64(s.newChallenge(q)), Timeout: timeout, Parameters: algorithms,
		CredentialExcludeList: has, AuthenticatorSelection: chosen, Attestation: protocol.PreferNoAttestation, Extensions: extensions,
	}})
}

// SignInOptions returns the options of navigator.credentials.get, as JSON, for a sign-in
// without a username.
func (s *Store) SignInOptions(q Question) string {
	return s.signIn[0] + s.newChallenge(q).text() + s.signIn[1]
}

// splitSignIn sets signIn, so that a sign-in form encodes only its challenge.
func (s *Store) splitSignIn() error {
	none := make(challenge, datedBytes+sha256.Size)
	text, err := asJSON(s.request(none, protocol.VerificationRequired, nil))
	s.signIn[0], s.signIn[1], _ = strings.Cut(text, none.text())
	return err
}

// AnswerOptions returns the options of navigator.credentials.get, as JSON, for one of the
// account's passkeys, or "" if it has no suitable one. After a password (SecondStep) every
// passkey of this host is suitable. A proof needs one that may sign in, and the device has
// to verify its user. Errors: db.ErrUnavailable.
func (s *Store) AnswerOptions(ctx context.Context, q Question, accountID string) (string, error) {
	if !s.On() {
		return "", nil
	}
	rows, err := s.of(ctx, accountID)
	if err != nil {
		return "", err
	}
	var by []protocol.CredentialDescriptor
	for _, one := range rows {
		if one.Host == s.host && (one.MaySignIn || q.Use == SecondStep) {
			by = append(by, one.credential.Descriptor())
		}
	}
	if len(by) == 0 {
		return "", nil
	}
	return asJSON(s.request(s.newChallenge(q), q.verification(), by))
}

// verification returns whether the device has to verify its user. After a password it is
// only preferred, because security keys without a PIN cannot do it.
func (q Question) verification() protocol.UserVerificationRequirement {
	if q.Use == SecondStep {
		return protocol.VerificationPreferred
	}
	return protocol.VerificationRequired
}

// request returns the options of navigator.credentials.get for one of these passkeys, or
// for any if there are none.
func (s *Store) request(c challenge, verify protocol.UserVerificationRequirement, by []protocol.CredentialDescriptor) protocol.CredentialAssertion {
	return protocol.CredentialAssertion{Response: protocol.PublicKeyCredentialRequestOptions{
		Challenge: protocol.URLEncodedBase64(c), Timeout: timeout, RelyingPartyID: s.host,
		UserVerification: verify, AllowedCredentials: by,
	}}
}

func asJSON(options any) (string, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return "", fmt.Errorf("encoding a passkey's options: %w", err)
	}
	return string(text), nil
}
