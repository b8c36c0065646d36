package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/config"
)

// secret writes a file with the text and the mode, and returns its path.
func secret(t *testing.T, text string, mode os.FileMode) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsInFiles(t *testing.T) {
	c := load(t, "none",
		"SESSION_KEYS_FILE", secret(t, canary+"\n", 0o400), "DATABASE_URL_FILE", secret(t, "sqlite:jar.db\r\n", 0o400),
		"SMTP_URL_FILE", secret(t, "smtp://u:p@mail.example", 0o444), "MAIL_FROM", "jar@site.example")
	if c.SessionKeys != canary || !c.KeysFromEnv || c.DatabasePath() != "jar.db" || c.SMTPURL == nil {
		t.Errorf("got keys %q (not of .env: %v), database %q, mail server %v", c.SessionKeys, c.KeysFromEnv, c.DatabasePath(), c.SMTPURL)
	}
	if got := strings.Join(c.Warnings, "\n"); got != "the file of SMTP_URL_FILE has mode 0444, and holds a secret: others can read it" {
		t.Errorf("the warnings are %q", got)
	}
}

// Attack secrets/canaries: an error about a file names its setting, and quotes nothing of
// the file.
func TestSecretsInFilesThatAreRefused(t *testing.T) {
	folder := t.TempDir()
	for name, pairs := range map[string][]string{
		"both":            {"DATABASE_URL", "sqlite:a.db", "DATABASE_URL_FILE", secret(t, "sqlite:"+canary, 0o400)},
		"not there":       {"DATABASE_URL_FILE", filepath.Join(folder, canary)},
		"a folder":        {"DATABASE_URL_FILE", folder},
		"empty":           {"DATABASE_URL_FILE", secret(t, "\n", 0o400)},
		"several lines":   {"DATABASE_URL_FILE", secret(t, "sqlite:a.db\n"+canary, 0o400)},
		"among the pages": {"DATABASE_URL_FILE", secret(t, "sqlite:a.db", 0o400), "PAGES_DIR", "/"},
	} {
		_, err := config.Load("none", settings(pairs...))
		if err == nil || strings.Contains(err.Error(), canary) || name != "among the pages" && !strings.HasPrefix(err.Error(), "DATABASE_URL_FILE must be ") {
			t.Errorf("%s: got %v, want a fault of DATABASE_URL_FILE", name, err)
		}
	}
}

// systemd's credentials are used without any setting.
func TestSystemdsCredentials(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"session_keys": canary, "database_url": "sqlite:jar.db", "other": "x"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text+"\n"), 0o440); err != nil { // the mode that systemd gives them, besides an access control list
			t.Fatal(err)
		}
	}
	c := load(t, "none", "CREDENTIALS_DIRECTORY", folder)
	if c.SessionKeys != canary || !c.KeysFromEnv || c.DatabasePath() != "jar.db" || len(c.Warnings) != 0 {
		t.Errorf("got keys %q (not of .env: %v), database %q, warnings %q", c.SessionKeys, c.KeysFromEnv, c.DatabasePath(), c.Warnings)
	}
	load(t, "none", "CREDENTIALS_DIRECTORY", filepath.Join(folder, "none"))
	refused(t, dotenv(t, "SESSION_KEYS="+canary), "SESSION_KEYS must be unset here, because systemd hands it over", "CREDENTIALS_DIRECTORY", folder)
	refused(t, "none", "DATABASE_URL must be unset here", "CREDENTIALS_DIRECTORY", folder, "DATABASE_URL_FILE", secret(t, "sqlite:a.db", 0o400))
}
