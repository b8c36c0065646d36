package gate

import (
	"crypto"
	"crypto/ed25519"
	_ "crypto/sha256" // for the thumbprint
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"

	"glassjar/utl/lockfree"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"glassjar/utl/identity"
)

const (
	assertionLife  = time.Minute
	assertionReuse = assertionLife / 2 // a cached one is sent for this long, so that it stays valid as long again
	assertionAhead = 30 * time.Second  // iat is this far in the past, for apps whose clocks are slow
	maxAssertions  = 1 << 12           // maximum number of cached ones, about 700 bytes each
)

// claims are the claims of an assertion (RFC 7519, and OpenID Connect's names).
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	Issued   int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Username string   `json:"preferred_username"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Groups   []string `json:"groups"`
	AMR      []string `json:"amr,omitempty"`       // RFC 8176
	AuthTime int64    `json:"auth_time,omitempty"` // of the last proof
}

// SignedIn is how the person signed in. It is zero for an app password.
type SignedIn struct {
	AMR   string // the factors, in the words of RFC 8176, separated by spaces
	Level int    // the session's level
	At    int64  // time of the last proof, in seconds since 1970
}

// amr returns the factors for an app, with mfa for level 2.
func (s SignedIn) amr() []string {
	all := strings.Fields(s.AMR)
	if s.Level >= 2 {
		all = append(all, "mfa")
	}
	return all
}

// signer signs assertions, and caches them for half of their life: signing costs more
// than the rest of a response.
type signer struct {
	issuer string
	now    func() time.Time

	keys atomic.Pointer[keys]
}

// keys are the current keys, and the cache of what they signed. SetKeys replaces both.
type keys struct {
	sign jose.Signer
	jwks []byte
	seed maphash.Seed
	kept lockfree.Table[assertion] // read for every response, so without a lock
}

type assertion struct {
	key, host string // of the session or app password; that it is for
	of        identity.Identity
	how       SignedIn
	token     string
	made      time.Time
}

// set returns the set that can hold the assertion for the host.
func (k *keys) set(key, host string) *lockfree.Set[assertion] {
	return k.kept.Set(maphash.String(k.seed, key) + 31*maphash.String(k.seed, host))
}

// SetKeys replaces the keys: the first signs, and the JWKS lists all. It returns an error
// if there is none.
func (g *Gate) SetKeys(seeds [][32]byte) error {
	var set jose.JSONWebKeySet
	var first jose.JSONWebKey
	for i, seed := range seeds {
		key, err := newKey(seed)
		if err != nil {
			return err
		}
		if i == 0 {
			first = key
		}
		set.Keys = append(set.Keys, key.Public())
	}
	sign, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: first}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return fmt.Errorf("making the signer of assertions: %w", err)
	}
	jwks, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("writing the JWKS: %w", err)
	}
	g.signer.keys.Store(&keys{sign, jwks, maphash.MakeSeed(), lockfree.New[assertion](maxAssertions)})
	return nil
}

// newKey returns the key with the seed; its id is its thumbprint (RFC 7638).
func newKey(seed [ed25519.SeedSize]byte) (jose.JSONWebKey, error) {
	key := jose.JSONWebKey{Key: ed25519.NewKeyFromSeed(seed[:]), Algorithm: string(jose.EdDSA), Use: "sig"}
	print, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return key, fmt.Errorf("naming a key for assertions: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(print)
	return key, nil
}

// JWKS returns the keys that verify assertions, as JSON (RFC 7517).
func (g *Gate) JWKS() []byte { return g.signer.keys.Load().jwks }

// SignIdentity returns a signed assertion for the app at host: a JWT (RFC 7519) with the
// identity, valid for another 30 to 60 s. key identifies the session or app password in
// the cache, and how is how the person signed in. Its iat is 30 s in the past, because
// strict apps refuse a time in the future and their clocks differ.
func (g *Gate) SignIdentity(key string, who identity.Identity, how SignedIn, host string) (string, error) {
	s, now := &g.signer, g.signer.now()
	k := s.keys.Load()
	set := k.set(key, host)
	isSame := func(a *assertion) bool { return a.key == key && a.host == host }
	if has := set.Find(isSame); has != nil && has.of == who && has.how == how {
		if age := now.Sub(has.made); age >= 0 && age < assertionReuse {
			return has.token, nil
		}
	}
	token, err := jwt.Signed(k.sign).Claims(s.claims(who, how, host, now)).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing an assertion: %w", err)
	}
	set.DropIf(isSame)
	host = strings.Clone(host) // a copy, so that the cache does not keep the request's memory alive
	set.Put(&assertion{key, host, who, how, token, now}, func(a *assertion) int64 { return a.made.Unix() })
	return token, nil
}

func (s *signer) claims(who identity.Identity, how SignedIn, host string, now time.Time) claims {
	return claims{
		Issuer: s.issuer, Subject: who.ID, Audience: host, Issued: now.Add(-assertionAhead).Unix(), Expires: now.Add(assertionLife).Unix(),
		Username: who.Username, Name: who.Name, Email: who.Email, Groups: who.GroupList(),
		AMR: how.amr(), AuthTime: how.At,
	}
}
