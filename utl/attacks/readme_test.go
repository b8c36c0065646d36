package attacks_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	command = regexp.MustCompile("`(go test [^`]+)`|(?m:^(go test .+)$)")
	pattern = regexp.MustCompile(`-(run|bench) ('[^']*'|\S+)`)
	alone   = regexp.MustCompile(`(?m)^[A-Z]+ +:= '(.+)'$`)
	test    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
)

// Each command in a README that runs some tests finds them: go test says nothing of a name
// that no test has any more, and succeeds.
func TestReadmesNameTests(t *testing.T) {
	tests, seen := testsByFolder(t), 0
	for _, readme := range files(t, func(name string) bool { return strings.HasSuffix(name, ".md") }) {
		for _, found := range command.FindAllStringSubmatch(text(t, readme), -1) {
			line := strings.Join(strings.Fields(strings.ReplaceAll(found[1]+found[2], `\|`, "|")), " ")
			for _, p := range pattern.FindAllStringSubmatch(line, -1) {
				if names := strings.Trim(p[2], "'"); names != "^$" {
					seen++
					wantTests(t, readme+": "+line, names, packages(line), map[string]string{"run": "Test", "bench": "Benchmark"}[p[1]], tests)
				}
			}
		}
	}
	if seen < 25 {
		t.Errorf("the READMEs have %d commands that run some tests, want at least 25", seen)
	}
}

// The Makefile names tests that need the machine alone, or that the race detector leaves
// out.
func TestTheMakefileNamesTests(t *testing.T) {
	found := alone.FindAllStringSubmatch(text(t, "Makefile"), -1)
	if len(found) != 2 {
		t.Errorf("the Makefile has %d lists of tests, want ALONE and LOOPS", len(found))
	}
	for _, list := range found {
		wantTests(t, "Makefile", list[1], []string{"./..."}, "Test", testsByFolder(t))
	}
}

// utl/README.md names every package.
func TestTheLayoutNamesPackages(t *testing.T) {
	_, layout, _ := strings.Cut(text(t, "utl/README.md"), "\n## Layout\n")
	layout, _, ok := strings.Cut(layout, "\n## ")
	named := strings.FieldsFunc(layout, func(c rune) bool { return c < 'a' || c > 'z' })
	folders := map[string]bool{}
	for _, file := range files(t, func(name string) bool { return strings.HasSuffix(name, ".go") }) {
		if !strings.Contains(file, "/testdata/") {
			folders[path.Dir(file)] = true
		}
	}
	delete(folders, ".")
	for folder := range folders {
		if !slices.Contains(named, path.Base(folder)) {
			t.Errorf("the Layout in utl/README.md does not name %s", folder)
		}
	}
	if !ok || len(folders) < 50 {
		t.Errorf("utl/README.md has no Layout, or the project has %d packages alone", len(folders))
	}
}

// wantTests fails the test unless each of the names, as in go test -run, is of a test in the
// packages, and each of the packages has one of them.
func wantTests(t *testing.T, where, names string, in []string, kind string, tests map[string][]string) {
	t.Helper()
	left := strings.Split(names, "|")
	for _, pkg := range in {
		has := false
		for folder, all := range tests {
			for _, name := range all {
				if within(folder, pkg) && strings.HasPrefix(name, kind) && regexp.MustCompile(names).MatchString(name) {
					has = true
					left = slices.DeleteFunc(left, func(one string) bool { return regexp.MustCompile(one).MatchString(name) })
				}
			}
		}
		if !has {
			t.Errorf("%s: no %s in %s has such a name", where, kind, pkg)
		}
	}
	if len(left) > 0 {
		t.Errorf("%s: no %s has a name with %q", where, kind, left)
	}
}

// packages returns the packages that the command tests.
func packages(line string) (all []string) {
	for word := range strings.FieldsSeq(line) {
		if strings.HasPrefix(word, "./") {
			all = append(all, word)
		}
	}
	return all
}

// within reports whether the package in the folder is one of pkg, such as ./utl/db or
// ./utl/....
func within(folder, pkg string) bool {
	pkg = strings.TrimPrefix(pkg, "./")
	above, whole := strings.CutSuffix(pkg, "...")
	return folder == pkg || whole && strings.HasPrefix(folder+"/", above)
}

// testsByFolder returns the names of all tests of the project.
func testsByFolder(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, file := range files(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		for _, found := range test.FindAllStringSubmatch(text(t, file), -1) {
			all[path.Dir(file)] = append(all[path.Dir(file)], found[1])
		}
	}
	return all
}

// files returns the paths of the project's files with such a name, .ci's too.
func files(t *testing.T, is func(name string) bool) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(top), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != "." && d.Name() != ".ci":
			return fs.SkipDir
		case !d.IsDir() && is(d.Name()):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func text(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(top, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
