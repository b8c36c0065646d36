package visible_test

import (
	"testing"

	"glassjar/utl/visible"
)

// Attack secrets/canaries: everything that is not listed is secret, and so are names that
// always hold a secret.
func TestWhatIsNotListedIsSecret(t *testing.T) {
	for _, name := range []string{"", "new-field", "password", "current", "secret", "code", "ticket", "glassjar", "Username", "username ", "next"} {
		if visible.Field(name) {
			t.Errorf("the field %q is shown", name)
		}
	}
	for _, name := range []string{"", "X-New", "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "host"} {
		if visible.Header(name) {
			t.Errorf("the header %q is shown", name)
		}
	}
	for _, name := range []string{"", "glassjar", "glassjar-device", "theme", "Lab"} {
		if visible.Cookie(name) {
			t.Errorf("the cookie %q is shown", name)
		}
	}
}

// The log shows choices, and nothing that is typed, not even in a field that the lab shows.
func TestChoice(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		want        bool
	}{
		{"do", "add", true},
		{"remember", "1", true},
		{"do", "hunter2", false},
		{"remember", "hunter2", false},
		{"username", "ada", false},
		{"username", "", false},
		{"unknown", "1", false},
	} {
		if got := visible.Choice(tt.name, tt.value); got != tt.want {
			t.Errorf("%s=%s: got %t, want %t", tt.name, tt.value, got, tt.want)
		}
	}
}
