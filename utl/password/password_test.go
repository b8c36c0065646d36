package password_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/password"
)

// tiny makes a hash in well under a millisecond.
var tiny = password.Params{Memory: 64, Time: 1, Threads: 1}

const good = "correct horse battery staple"

// ran is one call of argon2id.
type ran struct {
	pw              string
	salt            int
	time, memory    uint32
	threads, keyLen int
}

// counted returns a Hasher of cost p and the log of what it ran.
func counted(p password.Params) (*password.Hasher, *[]ran) {
	h := password.NewHasher(p, 1, 0)
	var log []ran
	h.SetKeyFunc(func(pw, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		log = append(log, ran{string(pw), len(salt), time, memory, int(threads), int(keyLen)})
		if memory > 64 { // a refused or foreign hash: counted, not paid for
			return make([]byte, keyLen)
		}
		return password.Argon2id(pw, salt, time, memory, threads, keyLen)
	})
	return h, &log
}

func hash(tb testing.TB, h *password.Hasher, pw string) string {
	tb.Helper()
	phc, err := h.Hash(tb.Context(), pw)
	if err != nil {
		tb.Fatalf("Hash(%.40q): %v", pw, err)
	}
	return phc
}

func TestRecommendedIsWhatOWASPAsksFor(t *testing.T) {
	if got, want := password.Recommended(), (password.Params{Memory: 19456, Time: 2, Threads: 1}); got != want {
		t.Errorf("Recommended() = %+v, want %+v", got, want)
	}
}

func TestWorkersLeavesOneCore(t *testing.T) {
	for cores, want := range map[int]int{0: 1, 1: 1, 2: 1, 3: 2, 16: 15} {
		if got := password.Workers(cores); got != want {
			t.Errorf("Workers(%d) = %d, want %d", cores, got, want)
		}
	}
}

// The hashes are from src/test.c of the reference implementation,
// github.com/P-H-C/phc-winner-argon2.
func TestVerifyTakesHashesOfTheReferenceImplementation(t *testing.T) {
	h := password.NewHasher(tiny, 1, 0)
	tests := []struct{ name, phc string }{
		{"one lane", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
		{"two lanes", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
		{"64 MiB", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := h.Verify(t.Context(), tt.phc, "password"); err != nil {
				t.Errorf("the right password: %v", err)
			}
			if _, err := h.Verify(t.Context(), tt.phc, "Password"); !errors.Is(err, password.ErrWrong) {
				t.Errorf("a wrong password: got %v, want ErrWrong", err)
			}
		})
	}
}

func TestHashIsACanonicalPHCStringUnderANewSalt(t *testing.T) {
	h := password.NewHasher(tiny, 1, 0)
	one, two := hash(t, h, good), hash(t, h, good)
	if shape := regexp.MustCompile(`^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`); !shape.MatchString(one) {
		t.Errorf("Hash = %q, want a PHC string with a salt of 16 and a key of 32 bytes", one)
	}
	if one == two {
		t.Errorf("two hashes of one password are equal: %q", one)
	}
	for _, phc := range []string{one, two} {
		if stale, err := h.Verify(t.Context(), phc, good); err != nil || stale {
			t.Errorf("Verify(%q) = %v, %v, want false, nil", phc, stale, err)
		}
	}
}

// Attack passwords/broken-hash
func TestVerifyTellsPasswordsApart(t *testing.T) {
	prefix := strings.Repeat("x", 72)
	tests := []struct {
		name, set, typed string
		same             bool
	}{
		{"é composed and decomposed are one", "caf\u00e9 au lait, merci", "cafe\u0301 au lait, merci", true},
		{"any space is a space", "no-break\u00a0and\u3000wide spaces", "no-break and wide spaces", true},
		{"full width is not ASCII", "ｆｕｌｌｗｉｄｔｈletters", "fullwidthletters", false},
		{"Cyrillic о is not Latin o", "cоrrect horse battery", "correct horse battery", false},
		{"case counts", "Correct Horse Battery", "correct horse battery", false},
		{"a trailing space counts", good + " ", good, false},
		{"twins that share their first 72 bytes differ", prefix + "1", prefix + "2", false},
		{"72 bytes are not the password", prefix + "1", prefix, false},
		{"all 1,024 bytes count", strings.Repeat("y", 1023) + "1", strings.Repeat("y", 1023) + "2", false},
	}
	h := password.NewHasher(tiny, 1, 0)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			phc := hash(t, h, tt.set)
			if _, err := h.Verify(t.Context(), phc, tt.set); err != nil {
				t.Errorf("the password itself: %v", err)
			}
			_, err := h.Verify(t.Context(), phc, tt.typed)
			if same := err == nil; same != tt.same {
				t.Errorf("the other password: %v, want the same = %v", err, tt.same)
			}
		})
	}
}

func TestVerifyReportsWeakerHashesAsStale(t *testing.T) {
	cost := func(m, t uint32, p uint8) password.Params { return password.Params{Memory: m, Time: t, Threads: p} }
	tests := []struct {
		name     string
		old, now password.Params
		want     bool
	}{
		{"the same", cost(64, 2, 2), cost(64, 2, 2), false},
		{"less memory", cost(32, 2, 2), cost(64, 2, 2), true},
		{"fewer passes", cost(64, 1, 2), cost(64, 2, 2), true},
		{"fewer lanes", cost(64, 2, 1), cost(64, 2, 2), true},
		{"stronger", cost(64, 3, 4), cost(64, 2, 2), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			phc := hash(t, password.NewHasher(tt.old, 1, 0), good)
			h := password.NewHasher(tt.now, 1, 0)
			if stale, err := h.Verify(t.Context(), phc, good); err != nil || stale != tt.want {
				t.Errorf("Verify = %v, %v, want %v, nil", stale, err, tt.want)
			}
			if stale, _ := h.Verify(t.Context(), phc, "wrong"); stale {
				t.Error("a wrong password is told that the hash is stale")
			}
		})
	}
	for _, size := range [][2]int{{15, 32}, {16, 16}} {
		h, _ := counted(tiny) // whose stand-in makes keys of zeros
		phc := "$argon2id$v=19$m=128,t=1,p=1$" + zeros[size[0]] + "$" + zeros[size[1]]
		if stale, err := h.Verify(t.Context(), phc, good); err != nil || !stale {
			t.Errorf("salt and key of %v bytes: Verify = %v, %v, want true, nil", size, stale, err)
		}
	}
}

// Salts and keys of so many zero bytes, in base64.
var zeros = map[int]string{
	7: "AAAAAAAAAA", 8: "AAAAAAAAAAA", 15: strings.Repeat("A", 20), 16: strings.Repeat("A", 22),
	32: strings.Repeat("A", 43), 64: strings.Repeat("A", 86), 65: strings.Repeat("A", 87),
}

// Attack passwords/broken-hash
func TestVerifyRunsNoRefusedHash(t *testing.T) {
	salt, key := zeros[16], zeros[32]
	tests := []struct{ name, phc, why string }{
		{"empty", "", "not a PHC string"},
		{"only separators", "$$$$$", "not a PHC string"},
		{"bcrypt", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "not a PHC string"},
		{"argon2i", "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key, "not a PHC string"},
		{"version 16", "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key, "not a PHC string"},
		{"no version", "$argon2id$m=64,t=1,p=1$" + salt + "$" + key, "not a PHC string"},
		{"no key", "$argon2id$v=19$m=64,t=1,p=1$" + salt, "not a PHC string"},
		{"a sixth part", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "$", "not a PHC string"},
		{"parameters in another order", "$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + key, "not a PHC string"},
		{"a further parameter", "$argon2id$v=19$m=64,t=1,p=1,data=AA$" + salt + "$" + key, "not a PHC string"},
		{"a leading zero", "$argon2id$v=19$m=064,t=1,p=1$" + salt + "$" + key, "not a PHC string"},
		{"a negative number", "$argon2id$v=19$m=64,t=-1,p=1$" + salt + "$" + key, "not a PHC string"},
		{"memory beyond 32 bits", "$argon2id$v=19$m=4294967360,t=1,p=1$" + salt + "$" + key, "not a PHC string"},
		{"threads beyond 8 bits", "$argon2id$v=19$m=64,t=1,p=257$" + salt + "$" + key, "not a PHC string"},
		{"padded base64", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "==$" + key, "not a PHC string"},
		{"URL base64", "$argon2id$v=19$m=64,t=1,p=1$" + salt[1:] + "_$" + key, "not a PHC string"},
		{"a newline in the base64", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key[:20] + "\n" + key[20:], "not a PHC string"},
		{"stray bits at the end", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key[1:] + "B", "not a PHC string"},
		{"a space before", " $argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key, "not a PHC string"},
		{"a newline after", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "\n", "not a PHC string"},
		{"1 MB", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 1<<20), "too long"},
		{"no passes", "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key, "below argon2's least"},
		{"no lanes", "$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key, "below argon2's least"},
		{"too little memory for its lanes", "$argon2id$v=19$m=15,t=1,p=2$" + salt + "$" + key, "below argon2's least"},
		{"memory over 256 MiB", "$argon2id$v=19$m=262145,t=1,p=1$" + salt + "$" + key, "cost too much"},
		{"all the memory there is", "$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key, "cost too much"},
		{"17 passes", "$argon2id$v=19$m=64,t=17,p=1$" + salt + "$" + key, "cost too much"},
		{"17 lanes", "$argon2id$v=19$m=256,t=1,p=17$" + salt + "$" + key, "cost too much"},
		{"a salt of 7 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[7] + "$" + key, "salt of 7 bytes"},
		{"a salt of 65 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + zeros[65] + "$" + key, "salt of 65 bytes"},
		{"a key of 15 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + zeros[15], "key of 15"},
		{"a key of 65 bytes", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + zeros[65], "key of 65"},
		{"no key bytes", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$", "key of 0"},
	}
	dummy := []ran{{good, 16, 1, 64, 1, 32}}
	for _, tt := range tests {
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
			if _, err := h.Verify(t.Context(), phc, good); err != nil { // the stand-in's key is zero too
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

// Attack passwords/policy: what is unfit is a wrong password, for free, whoever is asked for.
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

// Attack guessing/same-answers: an unknown name, a wrong password and a broken hash run argon2id
// with the same cost over the same password.
func TestUnknownNamesCostWhatKnownOnesCost(t *testing.T) {
	for _, pw := range []string{"wrong", "a much longer wrong password", strings.Repeat("w", 1024), "cafe\u0301"} {
		h, log := counted(tiny)
		phc := hash(t, h, good)
		*log = nil
		if _, err := h.Verify(t.Context(), phc, pw); !errors.Is(err, password.ErrWrong) {
			t.Errorf("known: got %v, want ErrWrong", err)
		}
		if err := h.Dummy(t.Context(), pw); !errors.Is(err, password.ErrWrong) {
			t.Errorf("unknown: got %v, want ErrWrong", err)
		}
		if len(*log) != 2 || (*log)[0] != (*log)[1] {
			t.Errorf("ran %+v, want the same twice", *log)
		}
	}
}

func TestDummyNeverSucceeds(t *testing.T) {
	h := password.NewHasher(tiny, 1, 0)
	h.SetKeyFunc(func(_, _ []byte, _, _ uint32, _ uint8, keyLen uint32) []byte {
		return make([]byte, keyLen) // equal to the blank key
	})
	if err := h.Dummy(t.Context(), good); !errors.Is(err, password.ErrWrong) {
		t.Errorf("Dummy = %v, want ErrWrong", err)
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

// Attack passwords/broken-hash: whatever the database holds, one argon2id run within the limits at
// most, one of three answers and no panic.
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
