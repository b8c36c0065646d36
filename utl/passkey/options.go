package passkey

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"glassjar/utl/identity"
)

const timeout = int(Life / time.Millisecond)

// algorithms are those that a passkey may sign with.
var algorithms = webauthn.CredentialParametersRecommendedL3()

// asked are the extensions that are asked for at registration: whether the browser
// finds the passkey by itself.
var asked = protocol.AuthenticationExtensions{CredProps: true}

// handle returns the user handle of the account: what a passkey holds of it. It is
// the same for all its passkeys here, and tells nothing (WebAuthn, section 14.6.1).
func (s *Store) handle(accountID string) []byte {
	sum := sha256.Sum256([]byte("glassjar passkey\x00" + s.host + "\x00" + accountID))
	return sum[:]
}

// Handle returns the user handle of the account, in base64url.
func (s *Store) Handle(accountID string) string {
	return base64.RawURLEncoding.EncodeToString(s.handle(accountID))
}

// CreateOptions returns what navigator.credentials.create takes for one more passkey of
// the account, as JSON. Errors: db.ErrUnavailable.
func (s *Store) CreateOptions(ctx context.Context, q Question, of identity.Identity) (string, error) {
	has, err := s.descriptors(ctx, of.ID)
	if err != nil {
		return "", err
	}
	required := true
	chosen := protocol.AuthenticatorSelection{
		ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &required, UserVerification: protocol.VerificationRequired,
	}
	if q.Use == RegisterKey { // keys without a PIN register only so
		required = false
		chosen.ResidentKey, chosen.UserVerification = protocol.ResidentKeyRequirementDiscouraged, protocol.VerificationPreferred
	}
	return asJSON(protocol.CredentialCreation{Response: protocol.PublicKeyCredentialCreationOptions{
		RelyingParty: protocol.RelyingPartyEntity{ID: s.host, CredentialEntity: protocol.CredentialEntity{Name: s.SiteName}},
		User: protocol.UserEntity{
			ID: protocol.URLEncodedBase64(s.handle(of.ID)), DisplayName: of.Called(), CredentialEntity: protocol.CredentialEntity{Name: of.Username},
		},
		Challenge: protocol.URLEncodedBase64(s.newChallenge(q)), Timeout: timeout, Parameters: algorithms,
		CredentialExcludeList: has, AuthenticatorSelection: chosen, Attestation: protocol.PreferNoAttestation, Extensions: asked,
	}})
}

// SignInOptions returns what navigator.credentials.get takes for a sign-in without a
// username, as JSON.
func (s *Store) SignInOptions(q Question) (string, error) {
	return asJSON(s.request(q, q.verification(), nil))
}

// AnswerOptions returns what navigator.credentials.get takes for an answer by one of the
// account's passkeys, as JSON, or "" where it has none that would do. For a proof they
// are those that may sign in, and the device has to verify its user; after a password
// every one will do. Errors: db.ErrUnavailable.
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
	return asJSON(s.request(q, q.verification(), by))
}

// verification says whether the device has to verify its user. After a password it
// may leave it: keys without a PIN cannot.
func (q Question) verification() protocol.UserVerificationRequirement {
	if q.Use == SecondStep {
		return protocol.VerificationPreferred
	}
	return protocol.VerificationRequired
}

// request returns the options of an answer by one of the passkeys, or by any.
func (s *Store) request(q Question, verify protocol.UserVerificationRequirement, by []protocol.CredentialDescriptor) protocol.CredentialAssertion {
	return protocol.CredentialAssertion{Response: protocol.PublicKeyCredentialRequestOptions{
		Challenge: protocol.URLEncodedBase64(s.newChallenge(q)), Timeout: timeout, RelyingPartyID: s.host,
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
