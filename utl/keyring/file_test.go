package keyring_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"glassjar/utl/keyring"
)

// writeEnv writes a .env with the text in a new folder and returns its path.
func writeEnv(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readEnv returns the file's text.
func readEnv(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantNoOtherFile fails the test unless .env is the only file in its folder.
func wantNoOtherFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("in the folder of .env: %v, error %v; want it alone", entries, err)
	}
}

// Attack keys/none: Ensure creates a missing .env.
func TestEnsureMakesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	ring, err := keyring.Ensure(path)
	if err != nil || ring.Len() != 1 {
		t.Fatalf("got %v, error %v; want a ring of one key", ring, err)
	}
	if got, want := readEnv(t, path), "SESSION_KEYS="+ring.Text()+"\n"; got != want {
		t.Error("the file holds something else than the ring")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("got mode %v, error %v; want 0600", info.Mode(), err)
	}
	again, err := keyring.Ensure(path)
	if err != nil || again.Text() != ring.Text() {
		t.Errorf("the second time: got other keys, or error %v", err)
	}
	wantNoOtherFile(t, path)
}

// keepers are files without keys and their content after Ensure, with KEYS in place of
// the keys.
var keepers = []struct {
	name, text, want string
}{
	{"an empty file", "", "SESSION_KEYS=KEYS\n"},
	{"other settings", "A=1\n# note\n\nB = 'x'\n", "A=1\n# note\n\nB = 'x'\nSESSION_KEYS=KEYS\n"},
	{"no newline at the end", "A=1", "A=1\nSESSION_KEYS=KEYS\n"},
	{"a comment at the end", "A=1\n# note", "A=1\n# note\nSESSION_KEYS=KEYS\n"},
	{"lines of Windows", "A=1\r\nSESSION_KEYS=\r\nB=2\r\n", "A=1\r\nSESSION_KEYS=KEYS\r\nB=2\r\n"},
	{"an empty value", "A=1\nSESSION_KEYS=\nB=2\n", "A=1\nSESSION_KEYS=KEYS\nB=2\n"},
	{"an empty value at the end", "SESSION_KEYS=", "SESSION_KEYS=KEYS"},
	{"empty quotes", "export SESSION_KEYS=\"\" # made\nB=2", "export SESSION_KEYS=\"KEYS\" # made\nB=2"},
	{"empty single quotes", "  SESSION_KEYS : ''\n", "  SESSION_KEYS : 'KEYS'\n"},
	{"blank quotes over two lines", "SESSION_KEYS=\" \n\"\nB=2", "SESSION_KEYS=\"KEYS\"\nB=2"},
	{"the line commented out", "#SESSION_KEYS=\n", "#SESSION_KEYS=\nSESSION_KEYS=KEYS\n"},
	{"a longer name", "MY_SESSION_KEYS=1\nSESSION_KEYS_2=\n", "MY_SESSION_KEYS=1\nSESSION_KEYS_2=\nSESSION_KEYS=KEYS\n"},
	{"inside another value", "A=\"\nSESSION_KEYS=\n\"\nB=2\n", "A=\"\nSESSION_KEYS=\n\"\nB=2\nSESSION_KEYS=KEYS\n"},
	{
		"inside another value, after the line", "SESSION_KEYS=\nA='\nSESSION_KEYS=\n'\n",
		"SESSION_KEYS=KEYS\nA='\nSESSION_KEYS=\n'\n",
	},
	{"a value over lines at the end", "A=\"1\n2\"", "A=\"1\n2\"\nSESSION_KEYS=KEYS\n"},
	{"twice, the last counts", "SESSION_KEYS=" + key(9) + "\nSESSION_KEYS=", "SESSION_KEYS=" + key(9) + "\nSESSION_KEYS=KEYS"},
	{"behind another on its line", "A='1' SESSION_KEYS=\n", "A='1' SESSION_KEYS=\nSESSION_KEYS=KEYS\n"},
}

func TestFileKeepsOtherLines(t *testing.T) {
	for _, tt := range keepers {
		t.Run(tt.name, func(t *testing.T) {
			path := writeEnv(t, tt.text)
			ring, err := keyring.Ensure(path)
			if err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, ring, 1, tt.want)
			ring, err = keyring.RotateFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, ring, 2, tt.want)
			ring, err = keyring.PruneFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, ring, 1, tt.want)
			wantNoOtherFile(t, path)
		})
	}
}

// wantFile fails the test unless the file has the content want, with the ring's n keys
// in place of KEYS, and both Read and godotenv find the ring in it.
func wantFile(t *testing.T, path string, ring keyring.Ring, n int, want string) {
	t.Helper()
	if ring.Len() != n {
		t.Errorf("got %v, want %d", ring, n)
	}
	text := readEnv(t, path)
	if diff := cmp.Diff(want, strings.ReplaceAll(text, ring.Text(), "KEYS")); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	vars, err := godotenv.Unmarshal(text)
	if err != nil || vars["SESSION_KEYS"] != ring.Text() {
		t.Errorf("godotenv reads other keys, or error %v", err)
	}
	if got, err := keyring.Read(path); err != nil || got.Text() != ring.Text() {
		t.Errorf("Read gives other keys, or error %v", err)
	}
}

func TestFileChangesTheKeysItHolds(t *testing.T) {
	two := key(1) + "," + key(2)
	tests := []struct {
		name, text, want string
	}{
		{"plain", "A=1\nSESSION_KEYS=" + two + "\nB=2", "A=1\nSESSION_KEYS=KEYS\nB=2"},
		{"with blanks", "SESSION_KEYS = " + key(1) + " , " + key(2) + "  # note\nB=2", "SESSION_KEYS = KEYS  # note\nB=2"},
		{"quoted, exported", "export SESSION_KEYS='" + two + "'\r\nB=2", "export SESSION_KEYS='KEYS'\r\nB=2"},
		{"quoted, over two lines", "SESSION_KEYS=\"" + key(1) + ",\n" + key(2) + "\"\nB=2", "SESSION_KEYS=\"KEYS\"\nB=2"},
		{"single quotes, over two lines", "SESSION_KEYS='" + key(1) + "\n," + key(2) + "'\nB=2", "SESSION_KEYS='KEYS'\nB=2"},
		{"twice", "SESSION_KEYS=" + key(9) + "\nSESSION_KEYS=" + two + "\n", "SESSION_KEYS=" + key(9) + "\nSESSION_KEYS=KEYS\n"},
		{"two on a line", "SESSION_KEYS=\"" + two + "\" B=2\n", "SESSION_KEYS=\"KEYS\" B=2\n"},
		{"used before", "B=$SESSION_KEYS\nSESSION_KEYS=" + two, "B=$SESSION_KEYS\nSESSION_KEYS=KEYS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := writeEnv(t, tt.text)
			if ring, err := keyring.Ensure(path); err != nil || ring.Text() != two || readEnv(t, path) != tt.text {
				t.Fatalf("Ensure changed what was good, or error %v", err)
			}
			ring, err := keyring.RotateFile(path)
			if err != nil || !strings.HasSuffix(ring.Text(), ","+two) {
				t.Fatalf("the old keys do not follow the new one, or error %v", err)
			}
			wantFile(t, path, ring, 3, tt.want)
			newest := strings.TrimSuffix(ring.Text(), ","+two)
			ring, err = keyring.PruneFile(path)
			if err != nil || ring.Text() != newest {
				t.Fatalf("the newest key is not what is left, or error %v", err)
			}
			wantFile(t, path, ring, 1, tt.want)
			before, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = keyring.PruneFile(path)
			if after, statErr := os.Stat(path); err != nil || statErr != nil || !os.SameFile(before, after) {
				t.Errorf("pruned again: a new file where nothing changes, or error %v, %v", err, statErr)
			}
		})
	}
}

// Attack keys/file: if `.env` is a symlink, it stays one, and its target is changed.
func TestLinkAndModeAndOwnerStay(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o640} {
		path := writeEnv(t, "A=1\n")
		link := filepath.Join(t.TempDir(), "link")
		if err := errors.Join(os.Chmod(path, mode), os.Symlink(path, link)); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(path, 12345, 23456); err != nil {
				t.Fatal(err)
			}
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []func(string) (keyring.Ring, error){keyring.Ensure, keyring.RotateFile, keyring.PruneFile} {
			if _, err := change(link); err != nil {
				t.Fatal(err)
			}
			if target, err := os.Readlink(link); err != nil || target != path {
				t.Errorf("the link is now to %q, error %v", target, err)
			}
			after, err := os.Lstat(path)
			if err != nil || after.Mode() != mode {
				t.Errorf("got mode %v, error %v; want %v", after.Mode(), err, mode)
			}
			if was, now := owner(t, before), owner(t, after); was != now {
				t.Errorf("the owner was %v, is %v", was, now)
			}
		}
		wantNoOtherFile(t, path)
		wantNoOtherFile(t, link)
	}
}

// owner returns the file's user and group.
func owner(t *testing.T, info fs.FileInfo) [2]uint32 {
	t.Helper()
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("got %T from Stat", info.Sys())
	}
	return [2]uint32{stat.Uid, stat.Gid}
}

func TestFileInALinkedFolder(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Ensure(filepath.Join(link, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(folder, ".env"), ring, 1, "SESSION_KEYS=KEYS\n")
}
