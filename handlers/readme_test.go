package handlers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	command  = regexp.MustCompile("`go test ([^`]*)`")
	testName = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w*)\(`)
)

// Each promise names a command that shows it: what it names must be there, in
// every package.
func TestREADMEsCommandsRunSomething(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := command.FindAllSubmatch(readme, -1)
	if len(commands) < 10 {
		t.Fatalf("README has %d commands", len(commands))
	}
	for _, found := range commands {
		line := strings.NewReplacer(`\|`, "|", "'", "").Replace(string(found[1]))
		words, kind, named := strings.Fields(line), "Test", "."
		for i, word := range words {
			switch {
			case word == "-bench":
				kind, named = "Benchmark", words[i+1]
			case word == "-run" && words[i+1] != "^$":
				named = words[i+1]
			case strings.HasPrefix(word, "./"):
				names := testsIn(t, filepath.Join("..", word), kind)
				for one := range strings.SplitSeq(named, "|") {
					if !regexp.MustCompile(one).MatchString(names) {
						t.Errorf("go test %s: %s is nothing in %s", line, one, word)
					}
				}
			}
		}
	}
}

// testsIn returns the names of the package's tests of the kind.
func testsIn(t *testing.T, folder, kind string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", folder, err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range testName.FindAllStringSubmatch(string(text), -1) {
			if strings.HasPrefix(name[1], kind) {
				names = append(names, name[1])
			}
		}
	}
	return strings.Join(names, "\n")
}
