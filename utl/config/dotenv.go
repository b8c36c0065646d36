package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"glassjar/utl/dotenv"
	"glassjar/utl/files"
)

// readDotenv parses the .env file at path. A missing file is empty. It refuses a file that
// another user owns, reads or writes.
func readDotenv(path string) (file dotenv.File, err error) {
	err = files.Secret(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return file, fmt.Errorf("%s is a link to a file that is not there", path)
		}
		return file, nil
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return file, fmt.Errorf("reading the settings: %w", pathErr)
	}
	if err != nil {
		return file, err
	}
	text, err := os.ReadFile(path) // #nosec G304 -- the program's own .env
	if err != nil {
		return file, fmt.Errorf("reading the settings: %w", err)
	}
	if file, err = dotenv.Parse(text); err != nil {
		return file, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return file, nil
}
