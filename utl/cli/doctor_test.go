package cli_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/cli"
)

// guarded is an app behind a good gate, except that strangers pass with the method. It shows
// the headers of whoever has the app password.
func guarded(t *testing.T, passes string) *httptest.Server {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch back := "http://" + r.Host + r.RequestURI; {
		case r.Header.Get("Authorization") == "Bearer "+canary:
			_ = r.Header.Write(w)
		case r.Method == passes:
		case r.Header.Get("Sec-Fetch-Mode") != "navigate":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			if r.Method == http.MethodPost {
				back = "http://" + r.Host + "/"
			}
			w.Header().Set("Location", "https://jar.example/?next="+url.QueryEscape(back))
			w.WriteHeader(http.StatusFound)
		}
	}))
	t.Cleanup(site.Close)
	return site
}

// unlike is the site, but does not allow POST, and redirects scripts to the sign-in page.
func unlike(t *testing.T, site *httptest.Server) *httptest.Server {
	t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.NotFound(w, r)
			return
		}
		if r.Header.Get("Sec-Fetch-Mode") == "cors" {
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}
		site.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(other.Close)
	return other
}

// The report is on stdout, and the exit code is 1 if there is a hole or nothing could be
// tested. The command needs no settings and no database.
func TestDoctor(t *testing.T) {
	closed := guarded(t, "")
	closed.Close()
	for _, tt := range []struct {
		name, address, stdin string
		code                 int
		out, said            string
	}{
		{"a good gate", guarded(t, "").URL, "", 0, "\nno hole, 46 passed\n", ""},
		{"what cannot be seen", unlike(t, guarded(t, "")).URL, "", 0, "\nno hole, 1 unknown, 1 remark, 44 passed\n", ""},
		{"a hole", guarded(t, "POST").URL, "", 1, "\nFAIL    POST: 200: it got through\n        Requests with this method reach the app", "glassjar: 1 hole, 45 passed\n"},
		{"a hole seen from inside", guarded(t, "").URL, canary + "\n", 1, "\nFAIL    the app password, signed in: it reaches the app\n", "glassjar: 22 holes, 46 passed\n"},
		{"an app password that is none", guarded(t, "").URL, "no\n", 1, "\npass    POST: 302 ", "glassjar: nothing was tested with the app password: "},
		{"an empty app password", closed.URL, "\n", 1, "", "glassjar: no password was given\n"},
		{"nobody there", closed.URL, "", 1, "", "glassjar: nothing was tested: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"doctor", tt.address}
			path := filepath.Join(t.TempDir(), "stdin")
			if tt.stdin != "" {
				args = append(args, "--app-password-stdin")
			}
			if err := os.WriteFile(path, []byte(tt.stdin), 0o600); err != nil {
				t.Fatal(err)
			}
			stdin, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			var out, said bytes.Buffer
			code := cli.Run(t.Context(), args, cli.Env{Stdin: stdin, Stdout: &out, Stderr: &said})
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.HasPrefix(said.String(), tt.said) {
				t.Errorf("got exit code %d, want %d, %q and %q in:\n%s%s", code, tt.code, tt.out, tt.said, &out, &said)
			}
			if strings.Contains(out.String()+said.String(), canary) { // Attack secrets/canaries: canaries
				t.Error("the app password is in the output")
			}
		})
	}
}
