// Package attacks_test compares the list of attacks in .ci/ATTACKS.md with the comments
// of the tests.
package attacks_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const top = "../.."

var (
	row = regexp.MustCompile(`(?m)^\| ([a-z-]+/[a-z-]+) \|`)
	tag = regexp.MustCompile(`Attack ([a-z-]+/[a-z-]+(?:, [a-z-]+/[a-z-]+)*)`)
)

// TestAttacks fails if an attack on the list has no test, or if a test names one that is
// not on the list. With -v it prints the tests of each attack.
func TestAttacks(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(top, ".ci", "ATTACKS.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := named(t)
	for _, found := range row.FindAllStringSubmatch(string(list), -1) {
		attack := found[1]
		t.Run(attack, func(t *testing.T) {
			if len(tests[attack]) == 0 {
				t.Error("no test tries it")
			}
			t.Log(strings.Join(tests[attack], ", "))
		})
		delete(tests, attack)
	}
	for attack, all := range tests {
		t.Errorf("%s is not in .ci/ATTACKS.md: %s", attack, strings.Join(all, ", "))
	}
}

// named returns all tests of the project by the attacks in their comments.
func named(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != top:
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			return read(path, all)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// read adds the tests in the file.
func read(path string, all map[string][]string) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("parsing a test: %w", err)
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !isTest(fn.Name.Name) {
			continue
		}
		for _, c := range f.Comments {
			if c != fn.Doc && (c.Pos() < fn.Pos() || c.Pos() > fn.End()) {
				continue
			}
			for _, found := range tag.FindAllStringSubmatch(c.Text(), -1) {
				for attack := range strings.SplitSeq(found[1], ", ") {
					if where := fn.Name.Name + " in " + strings.TrimPrefix(path, top+"/"); !slices.Contains(all[attack], where) {
						all[attack] = append(all[attack], where)
					}
				}
			}
		}
	}
	return nil
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Benchmark")
}
