// Package attacks_test compares what is written about tests with the tests: the list of
// attacks in .ci/ATTACKS.md with their comments, and the commands in the READMEs with their
// names.
package attacks_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
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
	tests := named(t)
	for _, found := range row.FindAllStringSubmatch(text(t, ".ci/ATTACKS.md"), -1) {
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
	for _, file := range files(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		if err := read(file, all); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// read adds the tests in the file.
func read(file string, all map[string][]string) error {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top, file), nil, parser.ParseComments)
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
					if where := fn.Name.Name + " in " + file; !slices.Contains(all[attack], where) {
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
