//go:build ignore

// Gen writes common.bin: the first 8 bytes of the SHA-256 of every common
// password, lower-cased and in its OpaqueString form, in ascending order.
//
// The words are the passwords of the npm package @zxcvbn-ts/language-common,
// copyright (c) 2012-2016 Dan Wheeler and Dropbox, Inc., (c) 2021 @zxcvbn-ts,
// under the MIT license. None of them enters this repository, only the hashes.
// It needs npm and the registry: `go generate ./utl/password`.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/secure/precis"
)

const (
	source = "@zxcvbn-ts/language-common@4.1.3"
	// integrity is npm's dist.integrity for source.
	integrity   = "sha512-g2bg4skmlJG9aJqC/nWziZzgYpSe/f3rKeGobrkdFiOrfZVFqqzUgC6BUQWuX54Sua9j0Jxxt+1bf4f/Mal1Kg=="
	list        = "package/src/passwords.json"
	prefixBytes = 8
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate() error {
	tarball, err := download()
	if err != nil {
		return fmt.Errorf("downloading %s: %w", source, err)
	}
	words, err := passwords(tarball)
	if err != nil {
		return fmt.Errorf("reading %s: %w", list, err)
	}
	table, err := prefixes(words)
	if err != nil {
		return fmt.Errorf("hashing the words: %w", err)
	}
	fmt.Printf("common.bin: %d words, %d prefixes\n", len(words), len(table)/prefixBytes)
	return os.WriteFile("common.bin", table, 0o644)
}

// download returns the package's tarball, checked against integrity.
func download() ([]byte, error) {
	dir, err := os.MkdirTemp("", "common")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	pack := exec.Command("npm", "pack", source, "--silent", "--ignore-scripts")
	pack.Dir, pack.Stderr = dir, os.Stderr
	if err := pack.Run(); err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("npm pack left %d tarballs, want 1", len(found))
	}
	tarball, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(tarball)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != integrity {
		return nil, fmt.Errorf("integrity %s, want %s", got, integrity)
	}
	return tarball, nil
}

// passwords returns the words of the list inside the tarball.
func passwords(tarball []byte) ([]string, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(unzipped); ; {
		file, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, os.ErrNotExist
		}
		if err != nil {
			return nil, err
		}
		if file.Name == list {
			var words []string
			err := json.NewDecoder(files).Decode(&words)
			return words, err
		}
	}
}

// prefixes returns the table: each word's prefix, sorted, each once.
func prefixes(words []string) ([]byte, error) {
	table := make([]string, 0, len(words))
	for _, word := range words {
		mapped, err := precis.OpaqueString.String(word)
		if err != nil {
			return nil, fmt.Errorf("word %q: %w", word, err)
		}
		sum := sha256.Sum256([]byte(strings.ToLower(mapped)))
		table = append(table, string(sum[:prefixBytes]))
	}
	slices.Sort(table)
	return []byte(strings.Join(slices.Compact(table), "")), nil
}
