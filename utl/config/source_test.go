package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/utl/config"
)

func TestNamesThatAreNearlySettings(t *testing.T) {
	const twice = " sets ADDR on lines 1, 3: the last one counts"
	for _, tt := range []struct{ row, content, want string }{
		{"a letter is missing", "SESION_IDLE=1h", " line 1: SESION_IDLE is no setting: did you mean SESSION_IDLE?"},
		{"a letter too many", "\n\nLOG_LEVELL=info", " line 3: LOG_LEVELL is no setting: did you mean LOG_LEVEL?"},
		{"two letters swapped", "export PROT=80", " line 1: PROT is no setting: did you mean PORT?"},
		{"two words run together", "GATEHOSTS=x", " line 1: GATEHOSTS is no setting: did you mean GATE_HOSTS?"},
		{"the singular", "TRUSTED_PROXY=x", " line 1: TRUSTED_PROXY is no setting: did you mean TRUSTED_PROXIES?"},
		{"two slips", "TRUSTD_PROXIS=x", " line 1: TRUSTD_PROXIS is no setting: did you mean TRUSTED_PROXIES?"},
		{"the plural", "COOKIE_DOMAINS=x", " line 1: COOKIE_DOMAINS is no setting: did you mean COOKIE_DOMAIN?"},
		{"lower case", "lab=on", " line 1: lab is no setting: did you mean LAB?"},
		{"with dots", "PUBLIC.URL=x", " line 1: PUBLIC.URL is no setting: did you mean PUBLIC_URL?"},
		{"twice", "ADDR=127.0.0.1:1\nLAB=on\nADDR=127.0.0.1:2", twice},
		{"twice with one value", "ADDR=127.0.0.1:1\n\nexport ADDR='127.0.0.1:1'", twice},
		{"a file for what has none", "MAIL_FROM_FILE=x", " line 1: MAIL_FROM_FILE is no setting: only SESSION_KEYS, DATABASE_URL, SMTP_URL come from a file of their own"},
		{"another program's file", "MY_OWN_FILE=x", ""},
		{"another program's, twice", "MY_OWN=1\nMY_OWN=2", ""},
		{"short names of others", "HOST=x\nUSER=x\nHOME=x\nLANG=x\nPATH=x", ""},
		{"names of others", "DATABASE=x\nSESSION_SECRET=x\nPOSTGRES_URL=x\nLOG_FILE=x", ""},
		{"part of a value", "MY_OWN='1\nSESION_IDLE=1h\n'", ""},
		{"a comment", "# SESION_IDLE=1h", ""},
		{"a dollar", "SITE_NAME=Cash$Flow", " line 1: in SITE_NAME, a $ before A to Z, 0 to 9 or _ stands for the value of an earlier line, and there is none: put the value between single quotes"},
		{"a dollar between single quotes", "SITE_NAME='Cash$Flow'", ""},
		{"another program's dollar", "MY_OWN=Cash$Flow", ""},
	} {
		t.Run(tt.row, func(t *testing.T) {
			path := dotenv(t, tt.content)
			var want []string
			if tt.want != "" {
				want = []string{path + tt.want}
			}
			if got := load(t, path).Warnings; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	refused(t, dotenv(t, "SESION_IDLE=1h\nSESSION_MAX=1h"), "SESION_IDLE is no setting", "SESSION_IDLE", "2h") // a warning is shown together with a fault
}

// others are names that other programs know, and one of ours.
const others = `PORT HOME PATH SHELL USER LOGNAME LANG LC_ALL TERM PWD OLDPWD HOST HOSTNAME MAIL EDITOR PAGER TZ TMPDIR
	DISPLAY SHLVL _ LS_COLORS XDG_DATA_HOME XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK SSH_TTY SESSION_MANAGER XDG_SESSION_ID
	INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC LISTEN_FDS LISTEN_PID LISTEN_FDNAMES STATE_DIRECTORY
	CREDENTIALS_DIRECTORY RUNTIME_DIRECTORY MAINPID SYSTEMD_EXEC_PID KUBERNETES_SERVICE_HOST KUBERNETES_PORT HTTP_PROXY https_proxy NO_PROXY
	PGHOST PGUSER PGPASSFILE PGSSLMODE SSL_CERT_FILE SSL_CERT_DIR GODEBUG GOMAXPROCS GOMEMLIMIT GOTRACEBACK CI DEBUG ENV NODE_ENV
	LABEL LAD ADDRS ADR APP LOG LOGS LOG_FILE LOG_DIR LOG_PATH DATABASE DATABASE_HOST REDIS_URL POSTGRES_URL SMTP_HOST FTP_URL BASE_URL SITE_URL
	SITE_ID SECRET_KEY SESSION_SECRET COOKIE_SECRET PORT_FILE ADDR_FILE PASSWORD_FILE POSTGRES_PASSWORD_FILE TLS_CA TLS_DIR PAGES DYNO
	RAILWAY_PUBLIC_DOMAIN FLY_APP_NAME RENDER_EXTERNAL_URL WEBSITE_SITE_NAME MAIL_TO`

// Misspelled settings in the environment cause a warning; names of other programs do not.
func TestNamesOfTheEnvironmentThatAreNearlySettings(t *testing.T) {
	const files = " is no setting: only SESSION_KEYS, DATABASE_URL, SMTP_URL come from a file of their own"
	for line, want := range map[string]string{
		"SESION_IDLE=1h":              "SESION_IDLE is no setting: did you mean SESSION_IDLE?",
		"SESSIION_IDLE=1h":            "SESSIION_IDLE is no setting: did you mean SESSION_IDLE?",
		"SESSIN_KEYS_FILE=x":          "SESSIN_KEYS_FILE is no setting: did you mean SESSION_KEYS_FILE?",
		"TRUSTED_PROXEIS=x":           "TRUSTED_PROXEIS is no setting: did you mean TRUSTED_PROXIES?",
		"PUBLIC_URI=x":                "PUBLIC_URI is no setting: did you mean PUBLIC_URL?",
		"public_url=x":                "public_url is no setting: did you mean PUBLIC_URL?",
		"GATE-HOSTS=x":                "GATE-HOSTS is no setting: did you mean GATE_HOSTS?",
		"SIGN_UP=open":                "SIGN_UP is no setting: did you mean SIGNUP?",
		"MAIL_FROM_FILE=x":            "MAIL_FROM_FILE" + files,
		"TLS_KEY_FILE=/k.pem":         "TLS_KEY_FILE" + files,
		"SESION_IDLE=":                "", // counts as not set
		"SESSION_IDLE=1h":             "",
		"SESSION_KEYS_FILE=":          "",
		"TRUSTD_PROXIS=x":             "", // differs by two letters: may be another program's
		strings.Repeat("A", 40) + "=": "",
		"":                            "",
		"=C:=C:\\":                    "",
	} {
		c, err := config.Load("none", settings(), line)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		if want != "" {
			all = []string{"in the environment: " + want}
		}
		if !slices.Equal(c.Warnings, all) {
			t.Errorf("%s: got %q, want %q", line, c.Warnings, all)
		}
	}
	for name := range strings.FieldsSeq(others) {
		c, err := config.Load("none", settings(), name+"=x")
		if err != nil || c.Warnings != nil {
			t.Errorf("%s: got %q, %v, want no warning", name, c.Warnings, err)
		}
	}
}

// A fault says where its value came from: of two places, the one that counts.
func TestWhereAFaultCameFrom(t *testing.T) {
	path := dotenv(t, "# note\nLOG_FORMAT=json\nLAB=perhaps\n\nLAB=maybe\n")
	refused(t, path, "LAB must be on or off ("+path+" line 5)")
	refused(t, path, "LAB must be on or off (from the environment)", "LAB", "yes")
	refused(t, dotenv(t, "ADDR=:80"), "PUBLIC_URL must be set when ADDR is not a loopback address, like https://jar.example")
	refused(t, path, "LAB must be on or off (from the environment)\nLOG_FORMAT must be text or json (from the environment)", "LAB", "yes", "LOG_FORMAT", "xml")
}

func TestWordsOfAddresses(t *testing.T) {
	for _, tt := range []struct{ row, name, value, want string }{
		{"a port alone", "ADDR", "8080", "set PORT, not ADDR, to a port alone"},
		{"a port that is too large", "ADDR", ":70000", "ADDR must be host:port with a port from 0 to 65535"},
		{"PORT that is too large", "PORT", "70000", "PORT must be a number from 0 to 65535"},
		{"PORT without PUBLIC_URL", "PORT", "9000", "PUBLIC_URL must be set, like https://jar.example, because PORT alone means every address"},
		{"a folder that is missing", "PAGES_DIR", "none", "PAGES_DIR must be a folder that is there"},
		{"a host with an empty part", "PUBLIC_URL", "https://jar..example", "PUBLIC_URL must be"},
	} {
		t.Run(tt.row, func(t *testing.T) { refused(t, "none", tt.want, tt.name, tt.value) })
	}
}

// Attack secrets/canaries: a fault in GATE_HOSTS is reported together with all others, by
// the gate's own grammar, and not quoted.
func TestGateHostsWithOtherFaults(t *testing.T) {
	_, err := config.Load("none", settings("GATE_HOSTS", "a.."+canary, "SESSION_IDLE", "1m"))
	if err == nil || !strings.Contains(err.Error(), "GATE_HOSTS must be ") || !strings.Contains(err.Error(), "\nSESSION_IDLE must be ") || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v, want both faults without their values", err)
	}
}

func TestDays(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "1d": 24 * time.Hour, "1d12h": 36 * time.Hour, "2d30m1s": 48*time.Hour + 30*time.Minute + time.Second, "90m": 90 * time.Minute,
	} {
		if got := load(t, "none", "SESSION_IDLE", value).SessionIdle; got != want {
			t.Errorf("%s: got %v, want %v", value, got, want)
		}
	}
}

func TestPlainHTTP(t *testing.T) {
	for public, want := range map[string]bool{
		"": false, "http://localhost:8080": false, "http://127.0.0.2": false, "http://[::1]:80": false, "http://jar.localhost": false,
		"https://jar.example": false, "http://jar.example": true, "http://192.168.1.5:8080": true, "http://localhost.example": true,
	} {
		if got := load(t, "none", "PUBLIC_URL", public).PlainHTTP(); got != want {
			t.Errorf("%q: got %t, want %t", public, got, want)
		}
	}
}
