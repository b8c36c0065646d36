package password_test

import (
	"strings"
	"testing"

	"glassjar/utl/password"
)

// BenchmarkHash compares Hasher.Hash with argon2id alone. Its metric x-raw is the ratio
// of their times, which should be about 1.
func BenchmarkHash(b *testing.B) {
	p := password.Recommended()
	var raw float64
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			password.Argon2id([]byte(good), make([]byte, 16), p.Time, p.Memory, p.Threads, 32)
		}
		raw = float64(b.Elapsed()) / float64(b.N)
	})
	b.Run("hasher", func(b *testing.B) {
		h := password.NewHasher(p, 1, 0)
		for b.Loop() {
			hash(b, h, good)
		}
		if raw > 0 {
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/raw, "x-raw")
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	long := strings.Repeat("a", 511) + "b" // the worst case for period
	for name, pw := range map[string]string{"common": "passwordpassword", "good": good, "worst": long + long[:511] + "c", "1MB": varied(1 << 20)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = password.Check(pw, "alice", "jar.example")
			}
		})
	}
}
