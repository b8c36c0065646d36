package password_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"glassjar/utl/password"
)

// varied returns n bytes without repetitions that are no common password.
func varied(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString("w" + strings.Repeat("o", i) + "rd ")
	}
	return b.String()[:n]
}

// policyRows are passwords and the results of Check.
var policyRows = []struct {
	name, pw, username string
	want               error
}{
	{"a good one", good, "bob", nil},
	{"14 characters", varied(14), "alice", password.ErrShort},
	{"15 characters", varied(15), "alice", nil},
	{"1,024 bytes", varied(1024), "alice", nil},
	{"1,025 bytes", varied(1025), "alice", password.ErrLong},
	{"1 MB", varied(1 << 20), "alice", password.ErrLong},
	{"empty", "", "alice", password.ErrShort},
	{"15 characters as sent, 14 once composed", "cafe\u0301 au laits!", "alice", password.ErrShort},
	{"16 characters as sent, 15 once composed", "cafe\u0301 au laits!!", "alice", nil},
	{"14 characters as sent, 15 once mapped", "abcdefghijk m\u0958", "alice", nil},
	{"15 bytes in five characters", "水火木金土", "alice", password.ErrShort},
	{"28 bytes in 14 characters", "сорок два слона", "alice", nil},
	{"27 bytes in 14 characters", "сорок два слон", "alice", password.ErrShort},
	{"15 characters of three bytes each", "一二三四五六七八九十百千万水火", "alice", nil},
	{"14 characters of three bytes each", "一二三四五六七八九十百千万水", "alice", password.ErrShort},
	{"14 emoji", "🐎🔋📎🐟🎈🐌🐝🐙🦀🐳🐘🦒🐪🦘", "alice", password.ErrShort},
	{"15 emoji", "🐎🔋📎🐟🎈🐌🐝🐙🦀🐳🐘🦒🐪🦘🐇", "alice", nil},

	{"invalid UTF-8", good + "\xc3", "alice", password.ErrNotUTF8},
	{"a UTF-8 surrogate", good + "\xed\xa0\x80", "alice", password.ErrNotUTF8},
	{"1 MB of invalid UTF-8 is long", strings.Repeat("\xff", 1<<20), "alice", password.ErrLong},
	{"NUL inside", "correct horse\x00battery", "alice", password.ErrCharacters},
	{"a tab", "correct horse\tbattery", "alice", password.ErrCharacters},
	{"CR LF", "correct horse\r\nbattery", "alice", password.ErrCharacters},
	{"DEL", "correct horse\x7fbattery", "alice", password.ErrCharacters},
	{"a zero-width space", "correct horse\u200bbattery", "alice", password.ErrCharacters},
	{"a zero-width joiner", "correct horse\u200dbattery", "alice", password.ErrCharacters},
	{"right-to-left override", "correct horse\u202ebattery", "alice", password.ErrCharacters},
	{"an unassigned character", "correct horse\U000e0fff battery", "alice", password.ErrCharacters},
	{"emoji", "correct 🐎 battery 🔋", "alice", nil},
	{"right-to-left letters", "סיסמה ארוכה מאוד", "alice", nil},
	{"leading and trailing spaces", "  correct horse  ", "alice", nil},

	{"common, of 18 bytes", "123456789987654321", "alice", password.ErrCommon},
	{"common, of 15 bytes", "qwertyuiop12345", "alice", password.ErrCommon},
	{"common, in capitals", "1QAZ2wsx3EDC4rfv", "alice", password.ErrCommon},
	{"common and not repeated", "PasswordStandard", "alice", password.ErrCommon},
	{"a common word twice", "passwordpassword", "alice", password.ErrCommon},
	{"a common word twice, in mixed case", "BaseBallbaseball", "alice", password.ErrCommon},
	{"a common word twice and a half", "baseballbaseballbase", "alice", password.ErrCommon},
	{"a common word once and a half", "123456789123456", "alice", password.ErrCommon},
	{"an uncommon word once and a half", "tinteapot9! and tintea", "alice", nil},
	{"an uncommon word twice", "tinteapot9!tinteapot9!", "alice", nil},
	{"three letters, again and again", "abcabcabcabcabc", "alice", password.ErrCommon},
	{"four letters, again and again", "zq7!zq7!zq7!zq7!", "alice", password.ErrFew},
	{"five letters, again and again", "zq7!mzq7!mzq7!m", "alice", nil},
	{"one letter", strings.Repeat("a", 15), "alice", password.ErrCommon},
	{"one letter, 1,024 times", strings.Repeat("a", 1024), "alice", password.ErrCommon},
	{"15 spaces", strings.Repeat(" ", 15), "alice", password.ErrFew},
	{"one emoji", strings.Repeat("🐎", 15), "alice", password.ErrFew},
	{"four emoji, again and again", strings.Repeat("🐎🔋📎🐟", 4), "alice", password.ErrFew},
	{"five emoji, again and again", strings.Repeat("🐎🔋📎🐟🎈", 3), "alice", nil},
	{"a common word and a tail of digits", "password1234567", "alice", password.ErrCommon},
	{"a common word and a tail of signs", "password!!!!!!!!", "alice", password.ErrCommon},
	{"a common word, digits and a sign", "Password123456!", "alice", password.ErrCommon},
	{"a common word after digits", "1234567password", "alice", password.ErrCommon},
	{"a common word between digits and signs", "2026!!!Welcome!!!2026", "alice", password.ErrCommon},
	{"a common word with a year and spaces", "  baseball  2026  ", "alice", password.ErrCommon},
	{"a common word with digits in other writing", "password١٢٣٤٥٦٧", "alice", password.ErrCommon},
	{"a common word twice and a tail", "baseballbaseball1", "alice", password.ErrCommon},
	{"a common word with its tail, twice", "baseball1!baseball1!", "alice", password.ErrCommon},
	{"common digits and a tail of signs", "123456789!!!!!!!", "alice", password.ErrCommon},
	{"common letters and digits, and a tail", "1q2w3e4r5t!!!!!!", "alice", password.ErrCommon},
	{"a leet word and a tail", "p@ssw0rd1234567", "alice", password.ErrCommon},
	{"an uncommon word and a tail", "tinteapotlid4711", "alice", nil},
	{"16 digits at random", "8305961742638105", "alice", nil},
	{"a common word and more", "password and some more", "alice", nil},

	{"holds the name", "my name is alice, hello", "alice", password.ErrHasName},
	{"holds the name in capitals", "my name is ALICE, hello", "alice", password.ErrHasName},
	{"holds a name with capitals", "my name is alice, hello", "Alice", password.ErrHasName},
	{"is the name", "alice@example.org", "alice@example.org", password.ErrHasName},
	{"holds the name, decomposed", "my name is Ele\u0301a, hello", "el\u00e9a", password.ErrHasName},
	{"holds a name of four characters", "my name is anna, hello", "anna", password.ErrHasName},
	{"holds a name of three characters", "my name is ann, hello", "ann", nil},
	{"holds a name of three characters, six bytes", "my name is éèê, hello", "éèê", nil},
	{"holds half the name", "my name is al, ice cream", "alice", nil},
	{"no name", good, "", nil},
}

// Attack passwords/policy
func TestCheck(t *testing.T) {
	for _, tt := range policyRows {
		t.Run(tt.name, func(t *testing.T) {
			if got := password.Check(tt.pw, tt.username, ""); !errors.Is(got, tt.want) {
				t.Errorf("Check(%.40q, %q) = %v, want %v", tt.pw, tt.username, got, tt.want)
			}
		})
	}
}

// Attack passwords/policy: attackers try the site's own name first.
func TestThePasswordHoldsTheSitesName(t *testing.T) {
	for _, tt := range []struct {
		name, pw, host string
		want           error
	}{
		{"the product", "our own glassjar here", "", password.ErrHasSite},
		{"the product in capitals", "our own GlassJar here", "jar.example", password.ErrHasSite},
		{"half of it", "our own glass and jar", "jar.example", nil},
		{"the host name", "we meet at jar.example", "jar.example", password.ErrHasSite},
		{"the host name in capitals", "we meet at Jar.Example", "JAR.example", password.ErrHasSite},
		{"localhost", "this is localhost, hello", "localhost", password.ErrHasSite},
		{"localhost elsewhere", "this is localhost, hello", "jar.example", nil},
		{"an address", "home is 192.168.1.10 ok", "192.168.1.10", password.ErrHasSite},
		{"a part of the host name with a tail", "Smithfamily2026!!", "photos.smithfamily.org", password.ErrHasSite},
		{"a part of the host name, twice", "smithfamilysmithfamily", "photos.smithfamily.org", password.ErrHasSite},
		{"a part of the host name inside a word", "the author wrote a book", "auth.example.org", nil},
		{"a part of the host name among words", "an example of four words", "auth.example.org", nil},
		{"a short host name", "we go to a.b for lunch", "a.b", nil},
		{"a short part of the host name", "jar827364519283", "jar.example", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := password.Check(tt.pw, "bob", tt.host); !errors.Is(got, tt.want) {
				t.Errorf("Check(%q) at %s = %v, want %v", tt.pw, tt.host, got, tt.want)
			}
		})
	}
}

// Passwords in all scripts can be hashed and verified. The last one is longer than
// MaxBytes after mapping by OpaqueString, but the limit applies to what was sent.
func TestPasswordsOfEveryKindCanBeUsed(t *testing.T) {
	h := password.NewHasher(tiny, 1, 0)
	for _, pw := range []string{good, varied(15), varied(1024), "correct 🐎 battery 🔋", strings.Repeat("\u0958", 341)} {
		if _, err := h.Verify(t.Context(), hash(t, h, pw), pw); err != nil {
			t.Errorf("Verify(%.40q) = %v", pw, err)
		}
	}
}

// Attack passwords/policy: a password of a megabyte is rejected for its length, without
// allocating memory.
func TestALongPasswordCostsNothing(t *testing.T) {
	long := varied(1 << 20)
	h := password.NewHasher(tiny, 1, 0)
	allocs := testing.AllocsPerRun(10, func() {
		_ = password.Check(long, "alice", "jar.example")
		_ = h.Dummy(t.Context(), long)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

// The table is sorted, as the binary search needs it, and consists of whole prefixes.
func TestTheTableOfCommonPasswords(t *testing.T) {
	table, err := os.ReadFile("common.bin")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(table), 49233*8; got != want {
		t.Fatalf("common.bin has %d bytes, want %d", got, want)
	}
	for i := 8; i < len(table); i += 8 {
		if string(table[i-8:i]) >= string(table[i:i+8]) {
			t.Fatalf("common.bin is out of order at byte %d", i)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(good, "alice")
	f.Add("e\u0301\u0344\u0958", "\u0130")
	f.Add(strings.Repeat("ab", 20), "\xff")
	h := password.NewHasher(password.Params{Memory: 8, Time: 1, Threads: 1}, 1, 0)
	f.Fuzz(func(t *testing.T, pw, username string) {
		if password.Check(pw, username, "jar.example") == nil {
			if _, err := h.Verify(t.Context(), hash(t, h, pw), pw); err != nil {
				t.Errorf("Check passes %q, but Verify: %v", pw, err)
			}
		}
	})
}

// An accented letter is one character, also if it was sent as two.
func TestLength(t *testing.T) {
	for _, tt := range []struct {
		pw   string
		want int
		err  error
	}{
		{"caf\u00e9", 4, nil},
		{"cafe\u0301", 4, nil},
		{"\u0958", 2, nil},
		{"🐎🔋", 2, nil},
		{"", 0, password.ErrShort},
		{"a\x01", 0, password.ErrCharacters},
		{"\xff", 0, password.ErrNotUTF8},
		{varied(1025), 0, password.ErrLong},
	} {
		if got, err := password.Length(tt.pw); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("Length(%.40q) = %d, %v, want %d, %v", tt.pw, got, err, tt.want, tt.err)
		}
	}
}

// Common finds common and repeated passwords of any length, also those that Check rejects for another
// reason.
func TestCommon(t *testing.T) {
	for pw, want := range map[string]error{
		"password": password.ErrCommon, "Password1!": password.ErrCommon, "aaaa": password.ErrFew, "zqkw": password.ErrFew,
		"日本語": password.ErrFew, "🐎🔋📎🐟🐎🔋": password.ErrFew, "zqkwv": nil, good: nil, "": nil, "\xff": nil,
	} {
		if got := password.Common(pw); got != want { //nolint:errorlint // ErrFew is an ErrCommon too
			t.Errorf("Common(%q) = %v, want %v", pw, got, want)
		}
	}
}
