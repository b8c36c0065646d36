package config_test

import (
	"fmt"
	"strings"
	"testing"

	"glassjar/utl/config"
)

// Attack secrets/canaries: no error about PostgreSQL's URL contains its password.
func TestAFaultOfTheDatabaseSaysNoPassword(t *testing.T) {
	for _, url := range []string{
		"postgres://u:%s@h/d", "postgres://u:%s@h:x/d", "postgres://u:%s@h:99999/d", "postgres://u:%s%%zz@h/d?sslmode=disable", "postgres://u:%s#@h/d",
		"postgres://u:a?%s@h/d", "postgres://h/d?password=%s", "postgres://h/d?%s=1&sslmode=disable", "postgres://h/d?sslmode=%s", "postgres://h/d?sslmode=disable&default_query_exec_mode=%s",
		"postgres://h/d?sslmode=verify-full&sslrootcert=%s", "postgres:u:%s@h", "mysql://u:%s@h/d",
	} {
		_, err := config.Load("none", settings("DATABASE_URL", fmt.Sprintf(url, canary)))
		if err == nil || strings.Contains(err.Error(), canary) || !strings.HasPrefix(err.Error(), "DATABASE_URL m") {
			t.Errorf("%s: got %v, want a fault of DATABASE_URL without the password", url, err)
		}
	}
}

// A connection that others could read causes a warning.
func TestWarningsOfTheDatabase(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u:p@h/d?sslmode=disable":           "sslmode=disable, and PostgreSQL is on another machine",
		"postgres://u:p@localhost,h/d?sslmode=disable": "sslmode=disable, and PostgreSQL is on another machine",
		"postgres://u:p@h/d?sslmode=require":           "takes any server for PostgreSQL",
		"postgres://u:p@h/d?sslmode=verify-full":       "",
		"postgres://u:p@localhost/d?sslmode=disable":   "",
		"postgres://u:p@127.0.0.1/d":                   "",
		"postgres:///d?host=/run/postgresql&user=u":    "",
	} {
		got := strings.Join(load(t, "none", "DATABASE_URL", url).Warnings, "")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}
