package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// inFiles are the settings that may be read from the file that NAME_FILE names: container
// secrets and systemd's LoadCredential are files.
var inFiles = []string{"SESSION_KEYS", "DATABASE_URL", "SMTP_URL"}

// useCredentials sets NAME_FILE to the credentials that systemd puts into dir
// (LoadCredential=, systemd.exec(5)): session_keys, database_url and smtp_url. If such a
// setting also has another value, that is a fault.
func useCredentials(f faults, values map[string]string, dir string) {
	for _, name := range inFiles {
		path := filepath.Join(dir, strings.ToLower(name))
		if _, err := os.Stat(path); dir == "" || err != nil {
			continue
		}
		f.require(values[name] == "" && values[name+"_FILE"] == "", name, "must be unset here, because systemd hands it over: LoadCredential="+strings.ToLower(name))
		values[name], values[name+"_FILE"] = "", path
	}
}

// maxSecret is the maximum size of such a file, in bytes.
const maxSecret = 64 << 10

// readSecrets reads the files into values, and returns a warning for each file that others
// can read. It is only a warning because docker creates them so on purpose. Files in
// systemd's folder of credentials are protected by the folder's permissions.
func readSecrets(f faults, values map[string]string, credentials string) (warnings []string) {
	for _, name := range inFiles {
		from := name + "_FILE"
		path := values[from]
		if path == "" {
			continue
		}
		text, mode, err := readSecret(path)
		f.require(err == nil && text != "" && values[name] == "", from)
		if f[from] == nil {
			values[name] = text
		}
		if mode.Perm()&0o077 != 0 && (credentials == "" || filepath.Dir(path) != filepath.Clean(credentials)) {
			warnings = append(warnings, fmt.Sprintf("the file of %s has mode %#o, and holds a secret: others can read it", from, mode.Perm()))
		}
	}
	return warnings
}

// readSecret returns the only line of the file.
func readSecret(path string) (text string, mode os.FileMode, err error) {
	file, err := os.Open(path) // #nosec G304 -- the operator's setting
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", 0, os.ErrInvalid
	}
	bytes, err := io.ReadAll(io.LimitReader(file, maxSecret))
	text = strings.TrimRight(string(bytes), "\r\n")
	if strings.ContainsAny(text, "\r\n") {
		err = os.ErrInvalid
	}
	return text, info.Mode(), err
}
