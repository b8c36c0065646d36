package keyring_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"glassjar/utl/keyring"
)

// Attack keys/first-start: ten concurrent calls of Ensure get one key.
func TestTenGoroutinesAtOnce(t *testing.T) {
	for _, text := range []string{"", "A=1\n", "A=1\nSESSION_KEYS=\nB=2"} {
		path := filepath.Join(t.TempDir(), ".env")
		if text != "" {
			path = writeEnv(t, text)
		}
		var got sync.Map
		concurrently(10, func() {
			ring, err := keyring.Ensure(path)
			if err != nil {
				t.Error(err)
			}
			got.Store(ring.Text(), true)
		})
		got.Range(func(text, _ any) bool {
			if ring, err := keyring.Read(path); err != nil || ring.Text() != text {
				t.Errorf("somebody got another key than the file holds, or error %v", err)
			}
			return true
		})
		concurrently(10, func() {
			if _, err := keyring.RotateFile(path); err != nil {
				t.Error(err)
			}
		})
		if ring, err := keyring.Read(path); err != nil || ring.Len() != 11 {
			t.Errorf("after ten rotations at once: %v, error %v; want 11 keys", ring, err)
		}
		wantNoOtherFile(t, path)
	}
}

// Read returns a complete ring at any moment during rotations.
func TestReadDuringRotation(t *testing.T) {
	path := writeEnv(t, "A=1\n")
	if _, err := keyring.Ensure(path); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 60 {
			if _, err := keyring.RotateFile(path); err != nil {
				t.Error(err)
			}
		}
	}()
	for n := 1; ; {
		select {
		case <-done:
			return
		default:
		}
		ring, err := keyring.Read(path)
		if err != nil || ring.Len() < n {
			t.Errorf("got %v, error %v; want %d or more keys", ring, err, n)
		}
		n = ring.Len()
	}
}

// concurrently runs f n times at once.
func concurrently(n int, f func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			f()
		})
	}
	close(start)
	wg.Wait()
}

// A file that another program, which takes no lock, creates while Ensure runs is never
// overwritten.
func TestEnsureNeverReplacesAFile(t *testing.T) {
	folder := t.TempDir()
	ready := filepath.Join(folder, "ready")
	if err := os.WriteFile(ready, []byte("SESSION_KEYS="+key(1)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, ".env")
	for range 500 {
		var ring keyring.Ring
		var linkErr, err error
		var wg sync.WaitGroup
		wg.Go(func() { linkErr = os.Link(ready, path) })
		wg.Go(func() { ring, err = keyring.Ensure(path) })
		wg.Wait()
		if won := linkErr == nil; err != nil || won != (ring.Text() == key(1)) || ring.Text() != parse(t, readEnv(t, path)[len("SESSION_KEYS="):]).Text() {
			t.Fatalf("the other's file was made: %v; got another key than the file holds, or error %v", won, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
