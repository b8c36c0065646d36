package keyring_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joho/godotenv"

	"glassjar/utl/dotenv"
	"glassjar/utl/keyring"
)

const canary = "Canary-3f9a-Word"

// Lines of files: a secret, and a key that is too short. Then the operations on files.
var (
	secret = "DATABASE_URL=postgres://u:" + canary + "@h/d\n"
	short  = "SESSION_KEYS=" + key(1)[:20] + "\n"

	ensure, rotate, prune = keyring.Ensure, keyring.RotateFile, keyring.PruneFile
)

// refusals are operations that must fail, with the text and the wrapped error of their
// errors.
var refusals = []struct {
	name, text string
	do         func(string) (keyring.Ring, error)
	want       string
	is         error
}{
	{"a short key, at start", secret + short, ensure, "key 1 is 15 bytes", keyring.ErrKeys},
	{"a short key, rotated", secret + short, rotate, "key 1 is 15 bytes", keyring.ErrKeys},
	{"a short key, pruned", secret + short, prune, "key 1 is 15 bytes", keyring.ErrKeys},
	{"a short key, read", secret + short, keyring.Read, "key 1 is 15 bytes", keyring.ErrKeys},
	{"a note where the key belongs", "SESSION_KEYS= # " + canary, ensure, "key 1 is not standard base64", keyring.ErrKeys},
	{"no key to rotate", secret, rotate, "is not in this file", keyring.ErrNoKeys},
	{"no key to prune", secret, prune, "is not in this file", keyring.ErrNoKeys},
	{"no key to read", secret, keyring.Read, "is not in this file", keyring.ErrNoKeys},
	{"an empty key to rotate", "SESSION_KEYS=\n", rotate, "is not in this file", keyring.ErrNoKeys},
	{"a quote left open", secret + "A=\"" + canary, ensure, "a quote is left open", nil},
	{"a strange name", "A-B=" + canary + "\n" + secret, rotate, "is not NAME=value", nil},
	{"a name without a value", secret + canary, ensure, "is not NAME=value", nil},
	{"used in another value", "SESSION_KEYS=" + key(1) + "\nB=$SESSION_KEYS\n", rotate, "would change other settings", nil},
	{"two on a line", "SESSION_KEYS= B=" + canary + "\n", ensure, "key 1 is not standard base64", keyring.ErrKeys},
}

// Attack secrets/canaries: errors contain no secrets, and a refused file is not changed.
func TestFileRefuses(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			path := writeEnv(t, tt.text)
			before, _ := os.Stat(path)
			ring, err := tt.do(path)
			if err == nil || ring.Len() != 0 {
				t.Fatalf("got %v, error %v; want an error and no ring", ring, err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got error %v, want one that is %v", err, tt.is)
			}
			for _, word := range []string{path, tt.want} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("got error %q, want one with %q", err, word)
				}
			}
			for _, word := range []string{canary, key(1)[:20]} {
				if strings.Contains(err.Error(), word) {
					t.Errorf("error %q shows a value", err)
				}
			}
			after, err := os.Stat(path)
			if err != nil || !os.SameFile(before, after) || readEnv(t, path) != tt.text {
				t.Errorf("the file changed, or error %v", err)
			}
			wantNoOtherFile(t, path)
		})
	}
}

func TestPathRefuses(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(folder, "link")
	loop := filepath.Join(folder, "loop")
	if err := errors.Join(os.Symlink("nowhere", link), os.Symlink("loop", loop)); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(folder, strings.Repeat("e", 250)) // a temporary file's name would be too long
	tests := []struct {
		name, path string
		do         func(string) (keyring.Ring, error)
		want       string
	}{
		{"a dangling link", link, ensure, "following the link " + link + " to nowhere"},
		{"a dangling link, rotated", link, rotate, "following the link " + link + " to nowhere"},
		{"a link to itself", loop, ensure, "too many"},
		{"a folder", folder, ensure, "it is not a regular file: move it away"},
		{"no folder", filepath.Join(folder, "no", ".env"), ensure, "make it first"},
		{"a folder that takes no new file", long, ensure, "let glassjar write in that folder"},
		{"no file to rotate", filepath.Join(folder, ".env"), rotate, "SESSION_KEYS is not in this file"},
		{"no file to prune", filepath.Join(folder, ".env"), prune, "SESSION_KEYS is not in this file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.do(tt.path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("got error %v, want one with %q and %q", err, tt.want, tt.path)
			}
		})
	}
	if _, err := keyring.Read(filepath.Join(folder, ".env")); !errors.Is(err, keyring.ErrNoKeys) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got error %v, want ErrNoKeys and fs.ErrNotExist", err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("in the folder: %v, error %v; want the two links", entries, err)
	}
}

// A change of the file removes the temporary files of a killed process, and no other
// files.
func TestLitterIsSwept(t *testing.T) {
	path := writeEnv(t, "A=1\n")
	for _, name := range []string{".env.keyring-1", "other.env.keyring-1"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keyring.Ensure(path); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.keyring-*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "other.env.keyring-1" {
		t.Errorf("left: %v, error %v; want the other's file alone", left, err)
	}
}

// FuzzEnsure checks that Ensure keeps the value of every other setting, or returns an
// error and does not change the file.
func FuzzEnsure(f *testing.F) {
	for _, seed := range []string{
		"", "A=1", "SESSION_KEYS=", "export SESSION_KEYS=\"\"\r\nB='x\ny'", "A=\"\nSESSION_KEYS=\n\"", "A", "A=1\r", "=x",
		"SESSION_KEYS=' '\nB=$SESSION_KEYS", "A='1' SESSION_KEYS=", "#\rSESSION_KEYS=", "SESSION_KEYS=" + key(1), "SESSION_KEYS=x",
		"SESSION_KEYS=$A # x", "SESSION_KEYS:\"\\n\"B=2", "A=\"\\\"\nSESSION_KEYS='\n\"\nSESSION_KEYS=''",
		"\ufeffA=1", "\ufeffSESSION_KEYS=\r\nA=1", "\xff\xfeA\x00",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), ".env")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		vars, unreadable := godotenv.UnmarshalBytes(bytes.TrimPrefix(text, []byte(dotenv.Mark)))
		old := vars["SESSION_KEYS"]
		ring, err := keyring.Ensure(path)
		if err != nil || strings.TrimSpace(old) != "" {
			_, odd := vars[""] // a line without =
			mayRefuse := unreadable != nil || odd || bytes.ContainsRune(text, 0) || strings.TrimSpace(old) != "" || strings.Count(string(text), "SESSION_KEYS") > 1
			if readEnv(t, path) != string(text) || !mayRefuse {
				t.Fatalf("the file changed, or refused without need: %v", err)
			}
			return
		}
		after, err := godotenv.Unmarshal(strings.TrimPrefix(readEnv(t, path), dotenv.Mark))
		if err != nil || after["SESSION_KEYS"] != ring.Text() || ring.Len() != 1 || ring.SelfTest() != nil {
			t.Fatalf("godotenv reads other keys from %q, or error %v", readEnv(t, path), err)
		}
		delete(after, "SESSION_KEYS")
		delete(vars, "SESSION_KEYS")
		if len(after) != len(vars) {
			t.Errorf("had %d other names, has %d", len(vars), len(after))
		}
		for name, want := range vars {
			if got, ok := after[name]; !ok || got != want {
				t.Errorf("%q was %q, is %q", name, want, got)
			}
		}
		if !strings.Contains(string(text), "SESSION_KEYS") && !strings.HasPrefix(readEnv(t, path), string(text)) {
			t.Error("the lines before the new one changed")
		}
	})
}
