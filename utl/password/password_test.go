package password_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"glassjar/utl/password"
)

// tiny are parameters with which a hash takes much less than a millisecond.
var tiny = password.Params{Memory: 64, Time: 1, Threads: 1}

const good = "correct horse battery staple"

// derivation is one call of the key function.
type derivation struct {
	pw              string
	salt            int
	time, memory    uint32
	threads, keyLen int
}

// counted returns a Hasher of cost p and a list of the calls of its key function, which
// does not run argon2id for expensive parameters.
func counted(p password.Params) (*password.Hasher, *[]derivation) {
	h := password.NewHasher(p, 1, 0)
	var log []derivation
	h.SetKeyFunc(func(pw, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		log = append(log, derivation{string(pw), len(salt), time, memory, int(threads), int(keyLen)})
		if memory > 64 { // an expensive hash: count it, do not run it
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
		h, _ := counted(tiny) // for expensive parameters it returns keys of zeros
		phc := "$argon2id$v=19$m=128,t=1,p=1$" + zeros[size[0]] + "$" + zeros[size[1]]
		if stale, err := h.Verify(t.Context(), phc, good); err != nil || !stale {
			t.Errorf("salt and key of %v bytes: Verify = %v, %v, want true, nil", size, stale, err)
		}
	}
}

// Attack guessing/same-answers: an unknown name, a wrong password and a broken hash run
// argon2id with the same cost over the same password.
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
		return make([]byte, keyLen) // equals the zero key that Dummy compares it with
	})
	if err := h.Dummy(t.Context(), good); !errors.Is(err, password.ErrWrong) {
		t.Errorf("Dummy = %v, want ErrWrong", err)
	}
}
