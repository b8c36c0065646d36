package keyring_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/keyring"
)

// raw returns n bytes that all differ; another seed gives other bytes.
func raw(seed byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = seed + byte(i)
	}
	return b
}

// key returns a valid key as it is written in SESSION_KEYS; another seed gives another
// key.
func key(seed byte) string { return base64.StdEncoding.EncodeToString(raw(seed, 32)) }

// parse returns the ring of a valid text.
func parse(t *testing.T, text string) keyring.Ring {
	t.Helper()
	ring, err := keyring.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// Attack keys/bad: a key of 31 bytes, not base64, all zero, twice the same.
// Attack cookie/foreign-key: a 1-byte key.
func TestParseRefuses(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	tests := []struct {
		name, text, want string
	}{
		{"nothing", "", "it is empty"},
		{"blanks", " \n", "it is empty"},
		{"one byte", "YQ==", "key 1 is 1 bytes, not 32"},
		{"31 bytes", b64(raw(1, 31)), "key 1 is 31 bytes, not 32"},
		{"33 bytes", b64(raw(1, 33)), "key 1 is 33 bytes, not 32"},
		{"a short second key", key(1) + "," + b64(raw(2, 31)), "key 2 is 31 bytes, not 32"},
		{"not base64", "a password, perhaps", "key 1 is not standard base64"},
		{"a character too many", key(1) + "A", "key 1 is not standard base64"},
		{"no padding", strings.TrimRight(key(1), "="), "key 1 is not standard base64"},
		{"the alphabet for URLs", base64.URLEncoding.EncodeToString(raw(0xf0, 32)), "key 1 is not standard base64"},
		{"a line break inside", key(1)[:20] + "\n" + key(1)[20:], "key 1 is not standard base64"},
		{"stray bits at the end", b64(make([]byte, 32))[:42] + "B=", "key 1 is not standard base64"},
		{"hex", hex.EncodeToString(raw(1, 32)), "key 1 is 48 bytes, not 32"},
		{"all zero", b64(make([]byte, 32)), "key 1 is one byte, repeated"},
		{"all equal", key(1) + "," + b64(bytes.Repeat([]byte{'x'}, 32)), "key 2 is one byte, repeated"},
		{"the same twice", key(1) + "," + key(2) + "," + key(1), "key 3 is there twice"},
		{"a comma at the end", key(1) + ",", "key 2 is 0 bytes, not 32"},
		{"two commas", key(1) + ",," + key(2), "key 2 is 0 bytes, not 32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ring, err := keyring.Parse(tt.text)
			if !errors.Is(err, keyring.ErrKeys) || ring.Len() != 0 {
				t.Fatalf("got %v, error %v; want an error that is ErrKeys", ring, err)
			}
			if got := err.Error(); !strings.Contains(got, tt.want) || !strings.Contains(got, "openssl rand -base64 32") {
				t.Errorf("got error %q, want one with %q and the mend", got, tt.want)
			}
			for word := range strings.FieldsFuncSeq(tt.text, func(r rune) bool { return strings.ContainsRune(", \n", r) }) {
				if len(word) > 3 && strings.Contains(err.Error(), word) {
					t.Errorf("error %q shows the value", err)
				}
			}
		})
	}
}

func TestParseKeepsTheOrder(t *testing.T) {
	want := key(3) + "," + key(1) + "," + key(2)
	for _, text := range []string{want, " " + strings.ReplaceAll(want, ",", " ,\t") + "\n"} {
		if got := parse(t, text).Text(); got != want {
			t.Errorf("got another text back from %d bytes", len(text))
		}
	}
}

// rfc5869 computes one block of HKDF-SHA-256 without a salt, from HMAC only.
func rfc5869(secret []byte, info string) [32]byte {
	extract := hmac.New(sha256.New, make([]byte, 32))
	extract.Write(secret)
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte(info + "\x01"))
	return [32]byte(expand.Sum(nil))
}

func TestDeriveIsHKDF(t *testing.T) {
	ring := parse(t, key(1)+","+key(2))
	for _, purpose := range []string{"session", "device", ""} {
		want := [][32]byte{rfc5869(raw(1, 32), "glassjar/"+purpose), rfc5869(raw(2, 32), "glassjar/"+purpose)}
		if diff := cmp.Diff(want, ring.Derive(purpose)); diff != "" {
			t.Errorf("for %q (-want +got):\n%s", purpose, diff)
		}
	}
	ring.Derive("session")[0][0] ^= 1
	if diff := cmp.Diff(rfc5869(raw(1, 32), "glassjar/session"), ring.Derive("session")[0]); diff != "" {
		t.Errorf("a caller changed the ring:\n%s", diff)
	}
}

func first(key [32]byte) []byte { return key[:4] }

func TestIDsTellKeysApart(t *testing.T) {
	ids := parse(t, key(1)+","+key(2)).IDs()
	want := []string{
		hex.EncodeToString(first(rfc5869(raw(1, 32), "glassjar/id"))),
		hex.EncodeToString(first(rfc5869(raw(2, 32), "glassjar/id"))),
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Attack cookie/rotated-key: after Rotate the old key still verifies; after Prune it does
// not.
func TestRotateAndPrune(t *testing.T) {
	old, err := keyring.New()
	if err != nil || old.Len() != 1 {
		t.Fatalf("got %v, error %v; want a ring of one key", old, err)
	}
	ring, err := old.Rotate()
	if err != nil || ring.Len() != 2 || old.Len() != 1 {
		t.Fatalf("got %v from %v, error %v; want 2 keys from 1", ring, old, err)
	}
	if got, want := ring.IDs()[1], old.IDs()[0]; got != want {
		t.Errorf("the second key is %s, want the old one, %s", got, want)
	}
	if got, want := parse(t, ring.Text()).IDs(), ring.IDs(); !cmp.Equal(got, want) {
		t.Errorf("read back, the keys are %v, want %v", got, want)
	}
	if got, want := ring.Prune().IDs(), ring.IDs()[:1]; !cmp.Equal(got, want) {
		t.Errorf("pruned, the keys are %v, want the newest, %v", got, want)
	}
	if got, want := ring.Behind().IDs(), append(slices.Clone(ring.IDs()[1:]), ring.IDs()[0]); !cmp.Equal(got, want) {
		t.Errorf("behind the others: %v, want %v", got, want)
	}
	if got := (keyring.Ring{}).Prune().Len(); got != 0 {
		t.Errorf("the zero ring, pruned, has %d keys", got)
	}
}

func TestSelfTest(t *testing.T) {
	if err := parse(t, key(1)+","+key(2)).SelfTest(); err != nil {
		t.Error(err)
	}
	if err := (keyring.Ring{}).SelfTest(); !errors.Is(err, keyring.ErrKeys) {
		t.Errorf("a ring without keys: got error %v, want ErrKeys", err)
	}
}

// Attack secrets/canaries: no way of formatting or logging a ring shows a key.
func TestRingNeverShowsAKey(t *testing.T) {
	ring := parse(t, key(1)+","+key(2))
	type hidden struct{ ring keyring.Ring } // fmt cannot call methods of unexported fields
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c"} {
		if got, want := fmt.Sprintf(verb, ring), "keyring of 2 keys"; got != want {
			t.Errorf("%s prints %q, want %q", verb, got, want)
		}
		fmt.Fprintf(&out, verb+verb+verb+"\n", &ring, hidden{ring}, []any{ring, &hidden{ring}})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("text", "ring", ring, "hidden", hidden{ring})
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "ring", ring, "hidden", hidden{ring})
	if got, want := strings.Count(out.String(), `"ring":"keyring of 2 keys"`), 1; got != want {
		t.Errorf("the JSON log has the ring's description %d times, want %d", got, want)
	}
	for _, part := range []string{
		key(1)[:8], key(2)[:8],
		"01020304", "0x01, 0x02", "0x1, 0x2", "1 2 3 4", "2 3 4 5", "\x01\x02\x03",
	} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(part)) {
			t.Errorf("%q of a key is in:\n%s", part, out.String())
		}
	}
	if got := fmt.Sprint(ring.Prune()); got != "keyring of 1 key" {
		t.Errorf("got %q", got)
	}
}
