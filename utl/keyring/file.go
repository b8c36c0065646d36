package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"glassjar/utl/dotenv"
	"glassjar/utl/files"
)

// line matches a line that may set SESSION_KEYS. Group 1 is the value as
// written: quoted, perhaps over several lines, or words up to a comment.
var line = regexp.MustCompile(`(?m)^\x{feff}?[ \t]*(?:export[ \t]+)?` + setting +
	`[ \t]*[=:][ \t]*("[^"]*"|'[^']*'|(?:[^\s#]+(?:[ \t]+[^\s#]+)*)?)`)

// envFile is a .env file as it was read; info is nil where there is no file.
type envFile struct {
	path string
	text []byte
	vars map[string]string
	info fs.FileInfo
}

// Read returns the file's ring. The error wraps [ErrNoKeys] when the file has no
// keys, and also fs.ErrNotExist when there is no file.
func Read(path string) (Ring, error) {
	file, err := load(path)
	if err != nil {
		return Ring{}, err
	}
	return file.ring()
}

// Ensure returns the file's ring, and creates the file and the first key if they
// are missing. Any number of processes may call it at once: they all get the
// same key. Every other line is kept, byte for byte.
func Ensure(path string) (Ring, error) {
	if ring, err := Read(path); !errors.Is(err, ErrNoKeys) {
		return ring, err // no lock: the folder may be read-only
	}
	return change(path, func(ring Ring, err error) (Ring, error) {
		if errors.Is(err, ErrNoKeys) {
			return New()
		}
		return ring, err
	})
}

// RotateFile puts a fresh key in front of the file's keys, and returns the new
// ring. The error wraps [ErrNoKeys] when the file has none.
func RotateFile(path string) (Ring, error) {
	return change(path, func(ring Ring, err error) (Ring, error) {
		if err == nil {
			ring, err = ring.Rotate()
		}
		return ring, err
	})
}

// PruneFile leaves only the newest key in the file, and returns the new ring.
// The error wraps [ErrNoKeys] when the file has none.
func PruneFile(path string) (Ring, error) {
	return change(path, func(ring Ring, err error) (Ring, error) {
		return ring.Prune(), err
	})
}

// change replaces the file's ring by next's result. It holds the folder's lock
// from the read to the write. A symlink stays a symlink.
func change(path string, next func(Ring, error) (Ring, error)) (Ring, error) {
	path, err := resolve(path)
	if err != nil {
		return Ring{}, err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return Ring{}, fmt.Errorf("opening the folder of %s: %w", path, err)
	}
	defer folder.Close() // which gives the lock back
	if err := files.Lock(context.Background(), folder); err != nil {
		return Ring{}, fmt.Errorf("locking the folder of %s: %w", path, err)
	}
	file, err := load(path)
	if err != nil {
		return Ring{}, err
	}
	ring, err := next(file.ring())
	if err != nil || ring.Text() == file.vars[setting] {
		return ring, err
	}
	err = file.write(ring.Text())
	if file.info == nil && errors.Is(err, fs.ErrExist) {
		return Read(path) // created meanwhile by a program that takes no lock
	}
	if err = errors.Join(err, folder.Sync()); err != nil {
		return Ring{}, fmt.Errorf("writing %s: %w", path, err)
	}
	return ring, nil
}

// resolve follows symlinks to the file to write. The file may be missing, but
// a symlink's target may not.
func resolve(path string) (string, error) {
	file, err := filepath.EvalSymlinks(path)
	if err == nil {
		return file, nil
	}
	if target, linkErr := os.Readlink(path); linkErr == nil {
		return "", fmt.Errorf("following the link %s to %s: %w: make that file, or remove the link", path, target, err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("finding the folder of %s: %w: make it first", path, err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// load reads the file. A missing file is not an error.
func load(path string) (envFile, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return envFile{path: path, vars: map[string]string{}}, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file: move it away")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path) // #nosec G304 -- the operator chose it
	}
	if err != nil {
		return envFile{}, fmt.Errorf("reading %s: %w", path, err)
	}
	parsed, err := dotenv.Parse(text)
	if err != nil {
		return envFile{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return envFile{path, text, parsed.Values, info}, nil
}

// ring returns the keys in the file.
func (f envFile) ring() (ring Ring, err error) {
	switch value := f.vars[setting]; {
	case f.info == nil:
		err = fmt.Errorf("%w (%w)", ErrNoKeys, fs.ErrNotExist)
	case strings.TrimSpace(value) == "":
		err = ErrNoKeys
	default:
		ring, err = Parse(value)
	}
	if err != nil {
		return Ring{}, fmt.Errorf("reading %s: %w", f.path, err)
	}
	return ring, nil
}

// write replaces the file by one with the new value, atomically.
func (f envFile) write(value string) error {
	folder, name := filepath.Split(f.path)
	temps := name + ".keyring-*"
	left, _ := fs.Glob(os.DirFS(filepath.Dir(f.path)), temps)
	for _, dead := range left { // temporary files with keys, left by a killed process: we hold the lock
		_ = os.Remove(folder + dead)
	}
	temp, err := os.CreateTemp(filepath.Dir(f.path), temps)
	if err != nil {
		return fmt.Errorf("%w: %s", err, hintFolder)
	}
	defer os.Remove(temp.Name())
	if err := errors.Join(f.writeTemp(temp, value), temp.Close()); err != nil {
		return err
	}
	publish := os.Rename
	if f.info == nil {
		publish = os.Link // fails if the file exists by now
	}
	if err := publish(temp.Name(), f.path); err != nil {
		return fmt.Errorf("%w: %s", err, hintFolder)
	}
	return nil
}

// writeTemp writes temp with the file's mode and, if run as root, its owner. It
// reads temp back: the new value must be the only change that godotenv sees.
func (f envFile) writeTemp(temp *os.File, value string) error {
	if _, err := temp.Write(f.replaceValue(value)); err != nil {
		return err
	}
	if f.info != nil {
		if stat, ok := f.info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
			if err := temp.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
				return err
			}
		}
		if err := temp.Chmod(f.info.Mode().Perm()); err != nil {
			return err
		}
	}
	want := maps.Clone(f.vars)
	want[setting] = value
	got, err := load(temp.Name())
	if err != nil || !maps.Equal(got.vars, want) { // not wrapped: it would name temp
		return errors.New("writing a new SESSION_KEYS would change other settings: " +
			"put SESSION_KEYS on a line of its own, after the lines that use it, and make every line NAME=value")
	}
	return temp.Sync()
}

// replaceValue returns the text with the value in the last line that sets
// SESSION_KEYS, which is the one in effect, or in a new line at the end.
func (f envFile) replaceValue(value string) []byte {
	for _, at := range slices.Backward(line.FindAllSubmatchIndex(f.text, -1)) {
		if _, err := dotenv.Parse(f.text[:at[0]]); err != nil {
			continue // the match is inside another setting's quoted value
		}
		quote := ""
		if old := f.text[at[2]:at[3]]; len(old) > 0 && (old[0] == '"' || old[0] == '\'') {
			quote = string(old[:1])
		}
		return slices.Concat(f.text[:at[2]], []byte(quote+value+quote), f.text[at[3]:])
	}
	end := ""
	if len(f.text) > 0 && !bytes.HasSuffix(f.text, []byte("\n")) {
		end = "\n"
	}
	return fmt.Appendf(bytes.Clone(f.text), "%s%s=%s\n", end, setting, value)
}
