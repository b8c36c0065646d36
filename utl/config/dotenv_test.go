package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"glassjar/utl/config"
)

// refused fails the test unless Load fails with an error that contains want.
func refused(t *testing.T, path, want string, pairs ...string) {
	t.Helper()
	_, err := config.Load(path, settings(pairs...))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err != nil && strings.Contains(err.Error(), canary) {
		t.Errorf("the error repeats a secret: %v", err)
	}
}

func TestDotenvMode(t *testing.T) { // Attack keys/file: .env with 0644, behind a link
	path := dotenv(t, "SESSION_KEYS="+canary)
	link := filepath.Join(t.TempDir(), ".env")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for mode := os.FileMode(0); mode <= 0o777; mode++ {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{path, link} {
			if mode == 0o600 || mode == 0o400 {
				load(t, path)
				continue
			}
			refused(t, path, "chmod 600 "+path)
		}
	}
}

// Attack keys/file: a file of another owner is refused, for root too: the files that root
// would create beside it could not be read by its owner.
func TestDotenvOfAnotherOwner(t *testing.T) {
	path := "/etc/passwd"
	if os.Geteuid() == 0 {
		path = dotenv(t, "")
		if err := os.Chown(path, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, path, path+" belongs to another user")
}

// Editors save a file with invisible differences.
func TestDotenvFromAnyEditor(t *testing.T) {
	for _, content := range []string{
		"\ufeffLOG_FORMAT=json",
		"\ufeff# note\r\nexport LOG_FORMAT=\"json\" \r\n",
		"LOG_FORMAT = json \t\r\n",
	} {
		if c := load(t, dotenv(t, content)); c.LogFormat != "json" {
			t.Errorf("%q: got LOG_FORMAT %q, want json", content, c.LogFormat)
		}
	}
	refused(t, dotenv(t, "\xff\xfeL\x00A\x00B\x00"), "save it as UTF-8")
}

func TestDotenvThatIsNoFile(t *testing.T) {
	refused(t, t.TempDir(), "is a folder")

	dir := t.TempDir()
	pipe, link, loop := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "loop")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, pipe, "must be a plain file")

	if err := os.Symlink("gone", link); err != nil {
		t.Fatal(err)
	}
	refused(t, link, "is a link to a file that is not there")

	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	refused(t, loop, "reading the settings: stat "+loop)
	refused(t, filepath.Join(dotenv(t, ""), ".env"), "reading the settings: ")
}

func TestDotenvSyntax(t *testing.T) {
	for _, content := range []string{
		"SESSION_KEYS='" + canary,
		"SESSION_KEYS " + canary + "\nADDR=x",
		"SESSION_KEYS\n" + canary,
		"ADDR=127.0.0.1:80\n" + canary[:6], // the last line has no "="
	} {
		refused(t, dotenv(t, content), ".env must hold lines of NAME=value")
	}
	c := load(t, dotenv(t, "# a comment\r\nexport LOG_FORMAT=\"json\" # here too\r\n\r\n0_X=1\nSESSION_KEYS='a,b'"))
	if c.LogFormat != "json" || c.SessionKeys != "a,b" || len(c.TrustedProxies) != 2 {
		t.Errorf("got %v", c)
	}
}

// pagesAndData goes to a new folder with folders and links for pages and for data,
// and returns where it is.
func pagesAndData(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	t.Chdir(root)
	for _, dir := range []string{"pages/sub", "data", "way"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"also":        "pages",              // a second name of the folder
		"way/in":      "../pages/sub",       // a folder that leads inside
		"data/new.db": "../pages/future.db", // a link to a file that does not exist yet
		"pages/out":   "../data/real.db",    // a link inside to a file outside
		"data/self":   "self",
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestPagesThatHoldSecrets(t *testing.T) {
	root := pagesAndData(t)
	const ok, env, database = "", "PAGES_DIR must not have .env inside it", "PAGES_DIR must not have the database inside it"
	for _, tt := range []struct{ row, pages, dotenv, database, want string }{
		{"apart", "pages", ".env", "data/x.db", ok},
		{"a name that begins alike", "pages", "pages.env", "pages2/x.db", ok},
		{"the working folder", ".", ".env", "data/x.db", env},
		{"the root", "/", ".env", "data/x.db", env},
		{".env below", "pages", "pages/sub/.env", "data/x.db", env},
		{".env in a folder to be made", "pages", "pages/to/be/.env", "data/x.db", env},
		{"the database below", "pages", ".env", "pages/x.db", database},
		{"the database by its full name", "pages", ".env", root + "/pages/x.db", database},
		{"the pages by another name", "also", ".env", "pages/x.db", database},
		{"the database through a linked folder", "pages", ".env", "way/in/x.db", database},
		{"a link to a database to be made inside", "pages", ".env", "data/new.db", database},
		{"a link inside to a database outside", "pages", ".env", "pages/out", database},
		{"a link to itself", "pages", ".env", "data/self", database},
		{"up and down again", "pages/sub", ".env", "pages/sub/../x.db", ok},
	} {
		t.Run(tt.row, func(t *testing.T) {
			pairs := []string{"PAGES_DIR", tt.pages, "DATABASE_URL", "sqlite:" + tt.database}
			if tt.want == ok {
				load(t, tt.dotenv, pairs...)
				return
			}
			refused(t, tt.dotenv, tt.want, pairs...)
		})
	}
}

// FuzzLoad checks that Load does not panic and quotes no secret, whatever .env contains.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "ADDR=:80", "PUBLIC_URL=https://$SESSION_KEYS@h", "X='", "X=\"\n", "export A=b", "ADDR", "=", "0_A=1",
		"LOG_LEVEL=$SESSION_KEYS", "PAGES_DIR=${SESSION_KEYS}", "\ufeffADDR=x", "A: b # c", "PAGES_DIR=.", "\\", "A=\\$B",
	} {
		f.Add(seed)
	}
	path := dotenv(f, "")
	f.Fuzz(func(t *testing.T, content string) {
		content = "SESSION_KEYS=" + canary + "\n" + content + "\nDATABASE_URL=postgres://u:" + canary + "@h/db\n"
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, database := range []string{"", "sqlite:x.db"} { // the first is always a fault, the second perhaps not
			c, err := config.Load(path, settings("DATABASE_URL", database))
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error repeats a secret: %v", err)
			}
			if strings.Contains(c.String(), canary) {
				t.Errorf("the settings print a secret: %v", c)
			}
		}
	})
}
