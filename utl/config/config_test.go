package config_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"glassjar/utl/config"
)

// canary stands for a secret. It is not a valid host or folder.
const canary = "c4nary/5ecret+value=="

// settings returns a getenv for pairs of name and value.
func settings(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// dotenv writes a .env file with mode 0600 into a folder of its own and returns its path.
func dotenv(tb testing.TB, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string, pairs ...string) config.Config {
	t.Helper()
	c, err := config.Load(path, settings(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) { // Attack keys/none: no .env
	t.Setenv("ADDR", "127.0.0.1:1") // ignored: only getenv is read
	got := load(t, filepath.Join(t.TempDir(), ".env"))
	want := config.Config{
		Addr:         "127.0.0.1:8080",
		DatabaseURL:  "sqlite:glassjar.db",
		SessionIdle:  24 * time.Hour,
		SessionMax:   720 * time.Hour,
		SignUp:       "invite",
		SecondFactor: "optional",
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
		},
		Lab:       "on",
		SiteName:  "glassjar",
		LogFormat: "text",
		AuditKeep: 2160 * time.Hour,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := got.DatabasePath(), "glassjar.db"; got != want {
		t.Errorf("database path %q, want %q", got, want)
	}
}

func TestEnvironmentWinsAndEmptyIsUnset(t *testing.T) {
	path := dotenv(t, "LOG_FORMAT=json\nSESSION_IDLE=1h\nLOG_LEVEL=\nSESSION_KEYS=file\n")
	c := load(t, path, "SESSION_IDLE", "2h", "LOG_FORMAT", "", "PAGES_DIR", "")
	if c.LogFormat != "json" || c.SessionIdle != 2*time.Hour || c.LogLevel != slog.LevelInfo || c.PagesDir != "" {
		t.Errorf("got %v", c)
	}
	if c.SessionKeys != "file" || c.KeysFromEnv {
		t.Errorf("got keys %q, from the environment %t; want those of the file", c.SessionKeys, c.KeysFromEnv)
	}
	c = load(t, path, "SESSION_KEYS", "env")
	if c.SessionKeys != "env" || !c.KeysFromEnv {
		t.Errorf("got keys %q, from the environment %t; want those of the environment", c.SessionKeys, c.KeysFromEnv)
	}
}

const public = "https://jar.example"

// The settings that accepted looks at.
func addrOf(c config.Config) any     { return c.Addr }
func urlOf(c config.Config) any      { return c.PublicURL.String() }
func proxiesOf(c config.Config) any  { return fmt.Sprint(c.TrustedProxies) }
func pathOf(c config.Config) any     { return c.DatabasePath() }
func databaseOf(c config.Config) any { return c.DatabaseURL }

// accepted are values that a setting may have, and how they are understood.
var accepted = []struct {
	row   string
	pairs []string
	field func(config.Config) any
	want  any
}{
	{"a free port", []string{"ADDR", "127.0.0.1:0"}, addrOf, "127.0.0.1:0"},
	{"localhost", []string{"ADDR", "LocalHost:80"}, addrOf, "LocalHost:80"},
	{"loopback of IPv6", []string{"ADDR", "[::1]:80"}, addrOf, "[::1]:80"},
	{"mapped loopback", []string{"ADDR", "[::ffff:127.0.0.1]:80"}, addrOf, "[::ffff:127.0.0.1]:80"},
	{"every address", []string{"ADDR", ":8080", "PUBLIC_URL", public}, addrOf, ":8080"},
	{"a name", []string{"ADDR", "jar.lan:8080", "PUBLIC_URL", public}, addrOf, "jar.lan:8080"},
	{"a socket", []string{"ADDR", "unix:/run/glassjar/http.sock", "PUBLIC_URL", public}, addrOf, "unix:/run/glassjar/http.sock"},
	{"PORT alone", []string{"PORT", "9000", "PUBLIC_URL", public}, addrOf, ":9000"},
	{"PORT with ADDR", []string{"PORT", "9000", "ADDR", "127.0.0.1:80"}, addrOf, "127.0.0.1:80"},
	{"a public URL", []string{"PUBLIC_URL", public}, urlOf, public},
	{"its last slash is dropped", []string{"PUBLIC_URL", public + "/"}, urlOf, public},
	{"its host in lower case", []string{"PUBLIC_URL", "HTTPS://Jar.Example"}, urlOf, public},
	{"its own port is dropped", []string{"PUBLIC_URL", public + ":0443"}, urlOf, public},
	{"another port is kept", []string{"PUBLIC_URL", "http://localhost:8080"}, urlOf, "http://localhost:8080"},
	{"443 on http is kept", []string{"PUBLIC_URL", "http://jar.example:443"}, urlOf, "http://jar.example:443"},
	{"an IPv6 host", []string{"PUBLIC_URL", "http://[0:0::1]:8080"}, urlOf, "http://[::1]:8080"},
	{"addresses and networks", []string{"TRUSTED_PROXIES", "10.1.2.3/8, 192.0.2.1,2001:db8::/32"}, proxiesOf, "[10.0.0.0/8 192.0.2.1/32 2001:db8::/32]"},
	{"a mapped address", []string{"TRUSTED_PROXIES", "::ffff:192.0.2.1"}, proxiesOf, "[192.0.2.1/32]"},
	{"PostgreSQL", []string{"DATABASE_URL", "postgres://u:p@h/d?sslmode=verify-full"}, databaseOf, "postgres://u:p@h/d?sslmode=verify-full"},
	{"several hosts", []string{"DATABASE_URL", "postgresql://u:p@h:1,[2001:db8::1]:2/d?sslmode=verify-ca"}, databaseOf, "postgresql://u:p@h:1,[2001:db8::1]:2/d?sslmode=verify-ca"},
	{"this machine's", []string{"DATABASE_URL", "postgres://u:p@localhost,127.0.0.2,[::1]/d"}, databaseOf, "postgres://u:p@localhost,127.0.0.2,[::1]/d?sslmode=disable"},
	{"a socket's", []string{"DATABASE_URL", "postgres:///d?host=/run/postgresql"}, databaseOf, "postgres:///d?host=/run/postgresql&sslmode=disable"},
	{"a pooler's", []string{"DATABASE_URL", "postgres://localhost/d?default_query_exec_mode=exec"}, databaseOf, "postgres://localhost/d?default_query_exec_mode=exec&sslmode=disable"},
	{"a database elsewhere", []string{"DATABASE_URL", "sqlite:/var/lib/jar/j.db"}, pathOf, "/var/lib/jar/j.db"},
}

func TestAccepted(t *testing.T) {
	for _, tt := range accepted {
		t.Run(tt.row, func(t *testing.T) {
			c := load(t, "none", tt.pairs...)
			if got := tt.field(c); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, values := range map[string][]string{
		"ADDR":       {"localhost", "8080", "127.0.0.1:99999999999999999999", "a..b:80", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "a b:80", "http://localhost:80", "unix", "unix/x", "UNIX:/x"},
		"PORT":       {"x", "-1", "65536", ":80"},
		"PUBLIC_URL": {"jar.example", "ftp://jar.example", "ftp://jar.example:21", "https://", "https:jar.example", "//jar.example", "https://jar.example/app", "https://jar.example//", "https://jar.example?a=b", "https://jar.example/?", "https://jar.example#x", "https://jar.example#", "https://me:pw@jar.example", "https://jar.example:0", "https://jar.example:70000", "https://jar_", "https://ä.example", "http://[::1%25eth0]", "https://a,b", "http://[abc]", " https://jar.example"},
		"DATABASE_URL": {
			"glassjar.db", "sqlite:", "mysql://x/y", "sqlite::memory:", "sqlite://glassjar.db", "sqlite:x.db?mode=ro", "sqlite:.", "postgres:u:p@h/d",
			"postgres://u:p@h/d", "postgresql://h/d", "postgres://h/d?sslmode=prefer", "postgres://h/d?sslmode=disable&keepalives_idle=5", "postgres://h/d?sslmode=disable&tcp_user_timeout=1",
			"postgres://h:x/d?sslmode=disable", "postgres://localhost,h/d", "postgres://h/d?sslmode=verify-full&sslrootcert=none.pem", "postgres://h/d?sslmode=disable&default_query_exec_mode=describe_exec",
		},
		"SESSION_IDLE":    {"4m59s", "-24h", "24", "x", "0"},
		"SESSION_MAX":     {"23h", "8760h1s", "x", "-1h"},
		"PAGES_DIR":       {"not-here", "config.go", "a\x00b"},
		"GATE_HOSTS":      {"*", "*.", "a..b", "-a.example", "*.127.0.0.1", "*.[::1]", "app.example:0", "app.example:65536", "*.com", "*.co.uk:443", "https://app.example", "app.example/", "app.example,", "a.*.example", "me@app.example", "app.example:x", "ap\u212A.example", "[x]", "a b"},
		"COOKIE_DOMAIN":   {"example", "jar.example"},
		"SIGNUP":          {"yes", "Open", "closed"},
		"SECOND_FACTOR":   {"yes", "on", "Required"},
		"LAB":             {"yes", "ON", "true", "1"},
		"TRUSTED_PROXIES": {"x", "10.0.0.0/33", "10.0.0.1,", "10.0.0.0/8;::1", "fe80::1%eth0", "::ffff:10.0.0.0/104"},
		"METRICS_ADDR":    {"9464", "127.0.0.1", "127.0.0.1:x", "unix:/run/m.sock", "127.0.0.1:8080", ":8080"},
		"LOG_LEVEL":       {"loud", "INFO", "info+2", "0"},
		"LOG_FORMAT":      {"xml", "JSON"},
		"AUDIT_KEEP":      {"59m", "-1h", "90", "d", "-1d", "1d-30m", "1.5d", "0d", "1w", "65536d", "1d 1h", "24hd", "1dd"},
	} {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				_, err := config.Load("none", settings(name, value))
				if err == nil || !strings.Contains(err.Error(), name+" must be ") {
					t.Fatalf("got %v, want a fault of %s", err, name)
				}
				if name != "PORT" && strings.Contains(err.Error(), "\n") { // an invalid PORT also lacks PUBLIC_URL
					t.Errorf("got more than one fault: %v", err)
				}
			})
		}
	}
}

func TestAddrThatOthersReachNeedsPublicURL(t *testing.T) {
	for _, pairs := range [][]string{
		{"ADDR", ":8080"},
		{"ADDR", "0.0.0.0:8080"},
		{"ADDR", "[::]:8080"},
		{"ADDR", "192.168.1.5:8080"},
		{"ADDR", "jar.lan:8080"},
		{"PORT", "8080"},
	} {
		_, err := config.Load("none", settings(pairs...))
		if want := "PUBLIC_URL must be set"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", pairs, err, want)
		}
	}
}

// Without a host, METRICS_ADDR is on this machine only. Profiles are served only there,
// and only at the debug level.
func TestMetricsAddr(t *testing.T) {
	for addr, want := range map[string]string{"": "", ":9464": "127.0.0.1:9464", "0.0.0.0:9464": "0.0.0.0:9464", "[::1]:9464": "[::1]:9464"} {
		for _, level := range []string{"info", "debug"} {
			c := load(t, "none", "METRICS_ADDR", addr, "LOG_LEVEL", level)
			if c.MetricsAddr != want || c.Profiles() != (level == "debug" && (addr == ":9464" || addr == "[::1]:9464")) {
				t.Errorf("%q at %s: got %q, profiles %t", addr, level, c.MetricsAddr, c.Profiles())
			}
		}
	}
}

// A Unix socket is for a proxy, so PUBLIC_URL must say how browsers reach the site.
func TestSocket(t *testing.T) {
	const public = "https://jar.example"
	if path, ok := load(t, "none", "ADDR", "unix:jar.sock", "PUBLIC_URL", public).Socket(); path != "jar.sock" || !ok {
		t.Errorf("got %q, %t", path, ok)
	}
	if path, ok := load(t, "none").Socket(); ok {
		t.Errorf("the default is the socket %q", path)
	}
	refused(t, "none", "PUBLIC_URL must be set when ADDR is a Unix socket", "ADDR", "unix:/run/jar.sock")
	for _, path := range []string{"", "@jar", "a\x00b", "/" + strings.Repeat("a", 107)} {
		refused(t, "none", "ADDR must be unix: and the path of a socket", "ADDR", "unix:"+path, "PUBLIC_URL", public)
	}
	load(t, "none", "ADDR", "unix:/"+strings.Repeat("a", 106), "PUBLIC_URL", public)
}

func TestLabIsOnWhereOnlyThisMachineReachesTheSite(t *testing.T) {
	for _, tt := range []struct {
		row   string
		pairs []string
		want  string
	}{
		{"nothing set", nil, "on"},
		{"localhost", []string{"ADDR", "localhost:80", "PUBLIC_URL", "http://localhost:8080"}, "on"},
		{"IPv6", []string{"ADDR", "[::1]:80", "PUBLIC_URL", "http://[::1]:8080"}, "on"},
		{"an address in 127", []string{"PUBLIC_URL", "https://127.0.0.2"}, "on"},
		{"behind a proxy", []string{"PUBLIC_URL", "https://jar.example"}, "off"},
		{"others reach it", []string{"ADDR", ":8080", "PUBLIC_URL", "http://localhost:8080"}, "off"},
		{"PORT alone", []string{"PORT", "8080", "PUBLIC_URL", "http://localhost:8080"}, "off"},
		{"a name that begins alike", []string{"PUBLIC_URL", "http://localhost.example"}, "off"},
		{"switched on", []string{"PUBLIC_URL", "https://jar.example", "LAB", "on"}, "on"},
		{"switched off", []string{"LAB", "off"}, "off"},
	} {
		t.Run(tt.row, func(t *testing.T) {
			if got := load(t, "none", tt.pairs...).Lab; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestEveryFaultAtOnceWithoutValues(t *testing.T) { // Attack secrets/canaries: canaries
	var pairs, names []string
	for _, s := range config.Settings() {
		pairs = append(pairs, s.Name, canary)
		if s.Name != "SITE_NAME" { // which may be any text
			names = append(names, s.Name)
		}
	}
	_, err := config.Load("none", settings(pairs...))
	if err == nil {
		t.Fatal("got no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(names) {
		t.Errorf("got %d faults, want %d:\n%v", len(lines), len(names), err)
	}
	for _, name := range names {
		if name == "SESSION_KEYS" && strings.Contains(err.Error(), "\nSESSION_KEYS cannot be used: key 1 is ") {
			continue
		}
		if !strings.Contains("\n"+err.Error(), "\n"+name+" must be ") {
			t.Errorf("%s takes any value: it needs a check, and a sentence in allowed (utl/config/check.go)", name)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error repeats a value:\n%v", err)
	}
}

func TestPrintedWithoutSecrets(t *testing.T) { // Attack secrets/canaries: canaries
	c := load(t, "none", "SESSION_KEYS", canary, "DATABASE_URL", "sqlite:"+canary, "PUBLIC_URL", "https://jar.example")
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("settings", "config", c)
	slog.New(slog.NewTextHandler(&out, nil)).Info("settings", "config", &c)
	fmt.Fprintf(&out, "%v %+v %#v %s %v", c, c, c, c, &c)
	encoded := base64.StdEncoding.EncodeToString([]byte(canary))
	if s := out.String(); strings.Contains(s, canary) || strings.Contains(s, encoded) || !strings.Contains(s, "https://jar.example") {
		t.Errorf("got %s", s)
	}
}
