package gate_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"glassjar/utl/clocktest"
	"glassjar/utl/gate"
	"glassjar/utl/identity"
)

// verified verifies the token with the keys of the gate's JWKS, as an app would, and
// returns its claims. host is the expected audience.
func verified(tb testing.TB, g *gate.Gate, token string, at time.Time, host string) (map[string]any, error) {
	tb.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(g.JWKS(), &set); err != nil {
		tb.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return nil, err
	}
	var says jwt.Claims
	all := map[string]any{}
	if err := parsed.Claims(set, &says, &all); err != nil {
		return nil, err
	}
	return all, says.ValidateWithLeeway(jwt.Expected{Issuer: "https://jar.example", AnyAudience: jwt.Audience{host}, Time: at}, 0)
}

// ada is the person whose assertions the tests check.
var ada = identity.Identity{ID: "A1", Username: "ada", Groups: "dev,ops", Name: "Ada L.", Email: "ada@jar.example"}

// assert returns the assertion about p for the app on host.
func assert(t *testing.T, g *gate.Gate, p identity.Identity, host string) string {
	t.Helper()
	token, err := g.SignIdentity("sid-"+p.ID, p, gate.SignedIn{}, host)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestAssert(t *testing.T) {
	c := clocktest.New(time.Unix(1_800_000_000, 0))
	g := newGate(t, func(o *gate.Options) { o.Now = c.Now })
	token := assert(t, g, ada, "app.example")
	says, err := verified(t, g, token, c.Now(), "app.example")
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string]any{
		"sub": "A1", "preferred_username": "ada", "name": "Ada L.", "email": "ada@jar.example", "exp": float64(c.Now().Unix() + 60), "iat": float64(c.Now().Unix() - 30),
	} {
		if says[claim] != want {
			t.Errorf("%s is %v, want %v", claim, says[claim], want)
		}
	}
	if _, err := verified(t, g, token, c.Now(), "other.example"); err == nil {
		t.Error("another app takes the assertion")
	}
	if _, err := verified(t, g, token, c.Now().Add(-30*time.Second), "app.example"); err != nil {
		t.Errorf("an app whose clock is 30 s slow refuses the assertion: %v", err)
	}
	if _, err := verified(t, g, token, c.Now().Add(61*time.Second), "app.example"); err == nil {
		t.Error("the assertion is good after a minute")
	}
	if _, err := verified(t, newGate(t, func(o *gate.Options) { o.Keys = [][32]byte{seed(9)} }), token, c.Now(), "app.example"); err == nil {
		t.Error("another jar's keys verify the assertion")
	}
	if bytes.Contains(g.JWKS(), []byte(`"d"`)) {
		t.Error("the JWKS holds a private key")
	}
}

// An assertion is cached for half a minute, per app and per identity.
func TestAssertIsKept(t *testing.T) {
	c := clocktest.New(time.Unix(1_800_000_000, 0))
	g := newGate(t, func(o *gate.Options) { o.Now = c.Now })
	token := assert(t, g, ada, "app.example")
	if c.Move(29 * time.Second); assert(t, g, ada, "app.example") != token {
		t.Error("within half a minute it is signed again")
	}
	if assert(t, g, ada, "other.example") == token {
		t.Error("two apps get one assertion")
	}
	changed := ada
	changed.Groups = ""
	token = assert(t, g, changed, "app.example")
	says, err := verified(t, g, token, c.Now(), "app.example")
	if list, ok := says["groups"].([]any); err != nil || !ok || len(list) != 0 {
		t.Errorf("with no groups it says %v, %v", says["groups"], err)
	}
	if c.Move(31 * time.Second); assert(t, g, changed, "app.example") == token {
		t.Error("after half a minute it is the old one")
	}
}

func TestAssertAfterRotation(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	g := newGate(t)
	old, err := g.SignIdentity("s", identity.Identity{ID: "A1"}, gate.SignedIn{}, "app.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetKeys([][32]byte{seed(2), seed(1)}); err != nil {
		t.Fatal(err)
	}
	fresh, err := g.SignIdentity("s", identity.Identity{ID: "A1"}, gate.SignedIn{}, "app.example")
	if err != nil || fresh == old {
		t.Errorf("the new key did not sign: %v", err)
	}
	for _, token := range []string{old, fresh} {
		if _, err := verified(t, g, token, now, "app.example"); err != nil {
			t.Errorf("after the rotation: %v", err)
		}
	}
	if err := g.SetKeys([][32]byte{seed(2)}); err != nil {
		t.Fatal(err)
	}
	if _, err := verified(t, g, old, now, "app.example"); err == nil {
		t.Error("after pruning, the old key verifies")
	}
}

func TestAssertAtOnceAndBounded(t *testing.T) {
	g := newGate(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 30 {
				if _, err := g.SignIdentity("s", identity.Identity{ID: "A1"}, gate.SignedIn{}, "app.example"); err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					if err := g.SetKeys([][32]byte{seed(byte(i)), seed(1)}); err != nil {
						t.Error(err)
					}
				}
				_ = g.JWKS()
			}
		})
	}
	all.Wait()
	for i := range 4200 {
		if _, err := g.SignIdentity("s", identity.Identity{}, gate.SignedIn{}, strconv.Itoa(i)+".example"); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.Kept(); n < 3000 || n > 4096 {
		t.Errorf("%d assertions are cached, want most of 4,200 and at most 4,096", n)
	}
	if err := g.SetKeys([][32]byte{seed(3)}); err != nil || g.Kept() != 0 {
		t.Errorf("after SetKeys (%v), %d assertions are cached, want none", err, g.Kept())
	}
}
