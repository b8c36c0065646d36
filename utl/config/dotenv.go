package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/joho/godotenv"
)

// readDotenv returns what the file at path sets, or nothing when there is no
// such file. It refuses a file that is not ours alone.
func readDotenv(path string) (map[string]string, error) {
	info, err := os.Stat(path) // a link's target is judged
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s is a link to a file that is not there", path)
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	if err := private(path, info); err != nil {
		return nil, err
	}
	values, err := godotenv.Read(path)
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("reading the settings: %w", pathErr)
	}
	// godotenv quotes the faulty line, which may hold a key; and it keeps a last
	// line without "=" under the empty name.
	if _, nameless := values[""]; err != nil || nameless {
		return nil, fmt.Errorf("%s must hold lines of NAME=value, # comments and closed quotes", path)
	}
	return values, nil
}

// private refuses what is not a plain file that we alone may read.
func private(path string, info fs.FileInfo) error {
	if info.IsDir() {
		return fmt.Errorf("%s is a folder and must be a file", path)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s must be a plain file", path)
	}
	me := os.Geteuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && me != 0 && int(stat.Uid) != me {
		return fmt.Errorf("%s belongs to another user and must belong to the one who starts glassjar", path)
	}
	if mode := info.Mode().Perm(); mode != 0o600 && mode != 0o400 {
		return fmt.Errorf("%s has mode %04o and holds secrets: chmod 600 %s", path, mode, path)
	}
	return nil
}
