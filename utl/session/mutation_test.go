package session_test

import (
	"encoding/base64"
	"flag"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
)

var mutations = flag.Int("mutations", 5_000_000, "how many mutated cookies TestMutation tries")

// TestMutation: random mutations of live cookies, none accepted: by the decoder
// alone, so a live row is not what keeps them out. Attack cookie/changed, cookie/cut
func TestMutation(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	if raced || testing.Short() {
		t.Skip("this one runs without -race and -short")
	}
	s := newSite(t)
	var live []string
	for _, name := range []string{"a", "bb", "ccc", strings.Repeat("d", 32)} {
		s.account(t, name)
		for _, remember := range []bool{false, true} {
			live = append(live, s.signIn(t, name, remember).Value)
		}
	}
	for _, value := range live {
		if _, err := s.New(raw(s.Name()+"="+value), s.Name()); err != nil {
			t.Fatalf("a live cookie is not accepted: %v", err)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // for speed: only short-lived garbage
	seed, workers := uint64(time.Now().UnixNano()), runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			m := mutator{live, rand.New(rand.NewPCG(seed, uint64(w)))}
			r := raw("")
			for n := (*mutations + workers - 1) / workers; n > 0; n-- {
				value := m.next()
				r.Header["Cookie"][0] = s.Name() + "=" + value
				if _, err := s.New(r, s.Name()); err != nil {
					continue
				}
				if m.unchanged(r.CookiesNamed(s.Name())) {
					n++ // a live value: does not count
				} else {
					t.Errorf("seed %d: accepted %q", seed, value)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d mutated cookies of %d live ones, seed %d: 0 accepted", *mutations, len(live), seed)
}

// mutator makes cookie values that are almost valid.
type mutator struct {
	live []string
	*rand.Rand
}

// next returns a mutated value, or now and then, by chance, a valid one.
func (m mutator) next() string {
	value := m.live[m.IntN(len(m.live))]
	for range 1 + m.IntN(3) {
		value = m.mutate(value)
	}
	return value
}

// unchanged reports whether the cookies are a single valid value; net/http removes
// spaces around it.
func (m mutator) unchanged(sent []*http.Cookie) bool {
	return len(sent) == 1 && !sent[0].Quoted && slices.Contains(m.live, sent[0].Value)
}

func (m mutator) mutate(v string) string {
	if v == "" {
		return alphabet[:1+m.IntN(64)]
	}
	i, other := m.IntN(len(v)), m.live[m.IntN(len(m.live))]
	j := i + m.IntN(len(v)-i)
	switch m.IntN(9) {
	case 0: // another character
		return v[:i] + string(alphabet[m.IntN(64)]) + v[i+1:]
	case 1: // any byte
		return v[:i] + string([]byte{byte(m.IntN(256))}) + v[i+1:]
	case 2: // one more byte
		return v[:i] + string(alphabet[m.IntN(64)]) + v[i:]
	case 3: // a piece removed
		return v[:i] + v[j:]
	case 4: // a piece repeated
		return v[:j] + v[i:]
	case 5: // the end of another cookie
		return v[:i] + other[min(i, len(other)):]
	case 6: // padding and line breaks
		return v[:i] + []string{"=", "==", "\r", "\n", `"`, "%3D"}[m.IntN(6)] + v[i:]
	case 7: // one bit of the decoded bytes
		return m.spelled(v, func(b []byte) []byte { b[m.IntN(len(b))] ^= 1 << m.IntN(8); return b })
	default: // another date, or another cookie's payload, before the signature
		return m.spelled(v, func(b []byte) []byte {
			parts := strings.SplitN(string(b), "|", 3)
			if len(parts) < 3 {
				return b
			}
			if m.IntN(2) == 0 {
				parts[0] = strconv.FormatInt(time.Now().Unix()-int64(m.IntN(100_000)), 10)
			} else if raw, err := base64.URLEncoding.DecodeString(other); err == nil {
				parts[1] = strings.SplitN(string(raw), "|", 3)[1]
			}
			return []byte(strings.Join(parts, "|"))
		})
	}
}

// spelled decodes v, applies change to the bytes and encodes them again.
func (m mutator) spelled(v string, change func([]byte) []byte) string {
	raw, err := base64.URLEncoding.DecodeString(v)
	if err != nil || len(raw) == 0 {
		return v + "A"
	}
	return base64.URLEncoding.EncodeToString(change(raw))
}
