package config_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/config"
)

// madeLater are the defaults that README's table describes in words.
var madeLater = map[string]string{
	"PORT":         "(none)",
	"PUBLIC_URL":   "`http://localhost:PORT`",
	"TLS_CERT":     "(none)",
	"TLS_KEY":      "(none)",
	"SESSION_KEYS": "made on first start",
	"PAGES_DIR":    "(none)",

	"SESSION_KEYS_FILE": "(none)",
	"DATABASE_URL_FILE": "(none)",
	"SMTP_URL_FILE":     "(none)",
	"GATE_HOSTS":        "(none)",
	"COOKIE_DOMAIN":     "(none)",
	"SMTP_URL":          "(none)",
	"MAIL_FROM":         "(none)",
	"METRICS_ADDR":      "(none)",
	"LAB":               "on when ADDR and PUBLIC_URL are both loopback, else off",
}

func TestReadmeHasEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (.+?) \\| .+ \\|$").FindAllStringSubmatch(string(readme), -1) {
		got = append(got, row[1]+" "+row[2])
	}
	for _, s := range config.Settings() {
		value, ok := madeLater[s.Name]
		if !ok {
			value = "`" + s.Default + "`"
		}
		want = append(want, s.Name+" "+value)
	}
	if got, want := differing(got, want); len(got)+len(want) > 0 {
		t.Errorf("README.md's rows of settings differ from config.Config (defaults in words: madeLater)\n got %q\nwant %q", got, want)
	}
}

// differing returns the two without what they have in common at the beginning and the end.
func differing[T comparable](got, want []T) (g, w []T) {
	for len(got) > 0 && len(want) > 0 && got[0] == want[0] {
		got, want = got[1:], want[1:]
	}
	for len(got) > 0 && len(want) > 0 && got[len(got)-1] == want[len(want)-1] {
		got, want = got[:len(got)-1], want[:len(want)-1]
	}
	return got, want
}

// The log tells every setting but secrets, the paths of their files, and PORT, which is in
// ADDR.
func TestLogHasEverySetting(t *testing.T) {
	logged := []string{"SESSION_KEYS", "SESSION_KEYS_FILE", "DATABASE_URL", "DATABASE_URL_FILE", "SMTP_URL_FILE", "PORT"}
	for _, attr := range load(t, "none").LogValue().Group() {
		logged = append(logged, strings.ToUpper(attr.Key))
	}
	for _, s := range config.Settings() {
		if !slices.Contains(logged, s.Name) {
			t.Errorf("%s is not in LogValue (utl/config/config.go)", s.Name)
		}
	}
}

func TestEnvExampleHasEverySetting(t *testing.T) {
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var got []config.Setting
	lines := strings.Split(string(example), "\n")
	setting := regexp.MustCompile(`^# ([A-Z_]+)=(.*)$`)
	for i, line := range lines {
		if line != "" && !strings.HasPrefix(line, "#") {
			t.Errorf("line %d sets something: a copy must change nothing", i+1)
		}
		found := setting.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		got = append(got, config.Setting{Name: found[1], Default: found[2]})
		if i == 0 || !strings.HasPrefix(lines[i-1], "# ") || setting.MatchString(lines[i-1]) {
			t.Errorf("line %d: %s has no explanation above it", i+1, found[1])
		}
	}
	if got, want := differing(got, config.Settings()); len(got)+len(want) > 0 {
		t.Errorf(".env.example differs from config.Config\n got %q\nwant %q", got, want)
	}
}

func TestEnvExampleIsTheDefaults(t *testing.T) {
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`(?m)^# ([A-Z_]+=)`).ReplaceAllString(string(example), "$1")
	want := load(t, "none")
	for _, content := range []string{string(example), set} {
		if got := load(t, dotenv(t, content)); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want the defaults %v", got, want)
		}
	}
}
