package password_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/password"
)

// Salts and keys of so many zero bytes, in base64.
var zeros = map[int]string{
	7: "AAAAAAAAAA", 8: "AAAAAAAAAAA", 15: strings.Repeat("A", 20), 16: strings.Repeat("A", 22),
	32: strings.Repeat("A", 43), 64: strings.Repeat("A", 86), 65: strings.Repeat("A", 87),
}

// refused are stored hashes that must not be run, with the reason in the error.
var refused = []struct{ name, phc, why string }{
	{"empty", "", "not a PHC string"},
	{"only separators", "$$$$$", "not a PHC string"},
	{"bcrypt", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "not a PHC string"},
	{"argon2i", "$argon2i$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"version 16", "$argon2id$v=16$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"no version", "$argon2id$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"no key", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16], "not a PHC string"},
	{"a sixth part", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32] + "$", "not a PHC string"},
	{"parameters in another order", "$argon2id$v=19$t=1,m=64,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"a further parameter", "$argon2id$v=19$m=64,t=1,p=1,data=AA$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"a leading zero", "$argon2id$v=19$m=064,t=1,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"a negative number", "$argon2id$v=19$m=64,t=-1,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"memory beyond 32 bits", "$argon2id$v=19$m=4294967360,t=1,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"threads beyond 8 bits", "$argon2id$v=19$m=64,t=1,p=257$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"padded base64", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "==$" + zeros[32], "not a PHC string"},
	{"URL base64", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16][1:] + "_$" + zeros[32], "not a PHC string"},
	{"a newline in the base64", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32][:20] + "\n" + zeros[32][20:], "not a PHC string"},
	{"stray bits at the end", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32][1:] + "B", "not a PHC string"},
	{"a space before", " $argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32], "not a PHC string"},
	{"a newline after", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[32] + "\n", "not a PHC string"},
	{"1 MB", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + strings.Repeat("A", 1<<20), "too long"},
	{"no passes", "$argon2id$v=19$m=64,t=0,p=1$" + zeros[16] + "$" + zeros[32], "below argon2's minimum"},
	{"no lanes", "$argon2id$v=19$m=64,t=1,p=0$" + zeros[16] + "$" + zeros[32], "below argon2's minimum"},
	{"too little memory for its lanes", "$argon2id$v=19$m=15,t=1,p=2$" + zeros[16] + "$" + zeros[32], "below argon2's minimum"},
	{"memory over 256 MiB", "$argon2id$v=19$m=262145,t=1,p=1$" + zeros[16] + "$" + zeros[32], "cost too much"},
	{"all the memory there is", "$argon2id$v=19$m=4294967295,t=1,p=1$" + zeros[16] + "$" + zeros[32], "cost too much"},
	{"17 passes", "$argon2id$v=19$m=64,t=17,p=1$" + zeros[16] + "$" + zeros[32], "cost too much"},
	{"17 lanes", "$argon2id$v=19$m=256,t=1,p=17$" + zeros[16] + "$" + zeros[32], "cost too much"},
	{"a salt of 7 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[7] + "$" + zeros[32], "salt of 7 bytes"},
	{"a salt of 65 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[65] + "$" + zeros[32], "salt of 65 bytes"},
	{"a key of 15 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[15], "key of 15"},
	{"a key of 65 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$" + zeros[65], "key of 65"},
	{"no key bytes", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[16] + "$", "key of 0"},
}

// Attack passwords/broken-hash
func TestVerifyRunsNoRefusedHash(t *testing.T) {
	dummy := []derivation{{good, 16, 1, 64, 1, 32}}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			h, log := counted(tiny)
			_, err := h.Verify(t.Context(), tt.phc, good)
			if !errors.Is(err, password.ErrHash) || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("got %v, want ErrHash because of %q", err, tt.why)
			}
			if err != nil && strings.Contains(err.Error(), "AAAA") {
				t.Errorf("the error holds the hash: %v", err)
			}
			if !slices.Equal(*log, dummy) {
				t.Errorf("ran %+v, want one dummy %+v", *log, dummy)
			}
		})
	}
}

func TestVerifyRunsHashesUpToEachLimit(t *testing.T) {
	for _, params := range []string{"m=262144,t=1,p=1", "m=128,t=16,p=1", "m=128,t=1,p=16", "m=262144,t=16,p=16"} {
		for _, size := range [][2]int{{8, 16}, {64, 64}} {
			h, log := counted(tiny)
			phc := "$argon2id$v=19$" + params + "$" + zeros[size[0]] + "$" + zeros[size[1]]
			if _, err := h.Verify(t.Context(), phc, good); err != nil { // the test's key function returns zeros too
				t.Errorf("%s, salt and key %v: %v", params, size, err)
			}
			if len(*log) != 1 || (*log)[0].salt != size[0] || (*log)[0].keyLen != size[1] {
				t.Errorf("%s: ran %+v, want salt and key %v", params, *log, size)
			}
		}
	}
}

// Passwords that no account can have, and what Hash says of them.
var unfit = []struct {
	name, pw string
	want     error
}{
	{"empty", "", password.ErrShort},
	{"1,025 bytes", strings.Repeat("z", 1025), password.ErrLong},
	{"1 MB", strings.Repeat("z", 1<<20), password.ErrLong},
	{"invalid UTF-8", good + "\xff", password.ErrNotUTF8},
	{"NUL inside", "correct horse\x00battery", password.ErrCharacters},
	{"a newline at the end", good + "\n", password.ErrCharacters},
}

// Attack passwords/policy: a text that cannot be a password counts as a wrong one without
// being hashed, for known and unknown usernames.
func TestUnfitPasswordsAreNeverHashed(t *testing.T) {
	for _, tt := range unfit {
		t.Run(tt.name, func(t *testing.T) {
			h, log := counted(tiny)
			phc := hash(t, h, good)
			*log = nil
			if got, err := h.Hash(t.Context(), tt.pw); got != "" || !errors.Is(err, tt.want) {
				t.Errorf("Hash = %q, %v, want %v", got, err, tt.want)
			}
			for name, stored := range map[string]string{"known": phc, "broken": "$argon2id$"} {
				if _, err := h.Verify(t.Context(), stored, tt.pw); !errors.Is(err, password.ErrWrong) {
					t.Errorf("%s: got %v, want ErrWrong", name, err)
				}
			}
			if err := h.Dummy(t.Context(), tt.pw); !errors.Is(err, password.ErrWrong) {
				t.Errorf("unknown: got %v, want ErrWrong", err)
			}
			if len(*log) != 0 {
				t.Errorf("ran %+v, want nothing", *log)
			}
		})
	}
}

func TestNewHasherRefusesACostThatCannotRun(t *testing.T) {
	for _, p := range []password.Params{{}, {Memory: 7, Time: 1, Threads: 1}, {Memory: 262145, Time: 1, Threads: 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewHasher(%+v) did not panic", p)
				}
			}()
			password.NewHasher(p, 1, 0)
		}()
	}
}

// Attack passwords/broken-hash: whatever hash is stored, Verify runs argon2id at most once
// and within the limits, returns one of three results, and does not panic.
func FuzzVerify(f *testing.F) {
	phc := hash(f, password.NewHasher(tiny, 1, 0), good)
	f.Add(phc, good)
	f.Add(phc, "wrong")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$"+zeros[16]+"$"+zeros[32], good)
	f.Add("$argon2id$v=19$m=64,t=0,p=0$$", "\x00")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, phc, pw string) {
		runs := 0
		h := password.NewHasher(tiny, 1, 0)
		h.SetKeyFunc(func(pw, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
			runs++
			if time < 1 || time > 16 || memory < 8 || memory > 256<<10 || threads < 1 || threads > 16 ||
				len(salt) < 8 || len(salt) > 64 || keyLen < 16 || keyLen > 64 {
				t.Errorf("%q ran t=%d m=%d p=%d salt=%d key=%d", phc, time, memory, threads, len(salt), keyLen)
			}
			return password.Argon2id(pw, salt, 1, 64, 1, min(keyLen, 64))
		})
		_, err := h.Verify(context.Background(), phc, pw)
		if err != nil && !errors.Is(err, password.ErrWrong) && !errors.Is(err, password.ErrHash) {
			t.Errorf("Verify(%q, %q) = %v", phc, pw, err)
		}
		if runs > 1 || runs == 0 && !errors.Is(err, password.ErrWrong) {
			t.Errorf("Verify(%q, %q) ran argon2id %d times, then %v", phc, pw, runs, err)
		}
	})
}
