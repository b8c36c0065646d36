package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"glassjar/utl/dotenv"
)

// source is where the values of settings come from.
type source struct {
	getenv func(string) string
	file   dotenv.File
	path   string // of the file
}

// of says where the value of the setting came from: the environment, or a line of the
// file. It returns "" if it is not set.
func (s source) of(name string) string {
	if s.getenv(name) != "" {
		return "from the environment"
	}
	for _, line := range slices.Backward(s.file.Lines) { // the last one counts
		if line.Name == name && s.file.Values[name] != "" {
			return fmt.Sprintf("%s line %d", s.path, line.Number)
		}
	}
	return ""
}

// doubtful returns a warning for each setting that is in the file twice or lost a part of its
// value, and for each name in it that is nearly a setting's.
func doubtful(path string, lines, lost []dotenv.Line) (warnings []string) {
	known := map[string]bool{}
	for _, s := range Settings() {
		known[s.Name] = true
	}
	at := map[string][]string{}
	for _, line := range lines {
		at[line.Name] = append(at[line.Name], strconv.Itoa(line.Number))
		if of, ok := strings.CutSuffix(line.Name, "_FILE"); ok && known[of] && !known[line.Name] {
			warnings = append(warnings, fmt.Sprintf("%s line %d: %s", path, line.Number, noFile(line.Name)))
			continue
		}
		if near := nearest(line.Name); !known[line.Name] && near != "" {
			warnings = append(warnings, fmt.Sprintf("%s line %d: %s is no setting: did you mean %s?", path, line.Number, line.Name, near))
		}
	}
	for _, s := range Settings() {
		if n := at[s.Name]; len(n) > 1 {
			warnings = append(warnings, fmt.Sprintf("%s sets %s on lines %s: the last one counts", path, s.Name, strings.Join(n, ", ")))
		}
	}
	for _, line := range lost {
		if known[line.Name] {
			warnings = append(warnings, fmt.Sprintf("%s line %d: in %s, a $ before A to Z, 0 to 9 or _ stands for the value of an earlier line, and there is none: put the value between single quotes", path, line.Number, line.Name))
		}
	}
	return warnings
}

// noFile returns the warning about a name with _FILE whose setting cannot come from a file.
func noFile(name string) string {
	return fmt.Sprintf("%s is no setting: only %s come from a file of their own", name, strings.Join(inFiles, ", "))
}

// doubtfulNames returns a warning for each name in the environment ("NAME=value" each)
// that differs from a setting by one letter, two swapped letters or case, or that has
// _FILE where that is not supported. The environment has names of other programs too, so
// it requires a closer match than doubtful, and skips settings of up to shortName letters.
func doubtfulNames(environment []string) (warnings []string) {
	known := Settings()
	for _, line := range environment {
		name, value, _ := strings.Cut(line, "=")
		if value == "" || len(name) > 2*longest || slices.ContainsFunc(known, func(s Setting) bool { return s.Name == name }) {
			continue
		}
		for _, s := range known {
			if len(s.Name) <= shortName {
				continue
			}
			if name == s.Name+"_FILE" {
				warnings = append(warnings, "in the environment: "+noFile(name))
				break
			}
			if distance(written(name), s.Name) <= 1 {
				warnings = append(warnings, fmt.Sprintf("in the environment: %s is no setting: did you mean %s?", name, s.Name))
				break
			}
		}
	}
	slices.Sort(warnings)
	return warnings
}

// written returns the name in the spelling of settings: upper case, with underscores.
func written(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// shortName is the length up to which settings' names resemble other names by chance.
const shortName = 5

// longest is about the length of the longest setting's name.
const longest = 16

// nearest returns the setting of which the name may be a misspelling: it differs in case,
// or by at most three letters and a quarter of the setting's name. "" if there is none.
func nearest(name string) string {
	if len(name) > 2*longest {
		return ""
	}
	best, least := "", 4
	for _, s := range Settings() {
		d := distance(written(name), s.Name)
		if d < least && d <= max(1, len(s.Name)/4) {
			best, least = s.Name, d
		}
	}
	return best
}

// distance returns how many letters of a must be added, removed, changed or swapped with
// the next one to get b (the optimal string alignment distance).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i := range len(a) {
		for j := range len(b) {
			change := rows[i][j]
			if a[i] != b[j] {
				change++
			}
			rows[i+1][j+1] = min(change, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				rows[i+1][j+1] = min(rows[i+1][j+1], rows[i-1][j-1]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
