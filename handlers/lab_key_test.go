package handlers_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"glassjar/utl/account"
)

func reencode(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) }

// missing skips a test for which a tool is missing; CI must have it.
func missing(t testing.TB, tool string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", tool)
	}
	t.Skipf("%s is missing: the test did not run", tool)
}

func TestLabKeyIsShownOnRequest(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	shown := base64.StdEncoding.EncodeToString(labKey)
	for _, got := range []*answer{
		b.get("/lab/key"), b.get("/lab/key?do=show&shown=1"), b.post("/lab/key"), b.post("/lab/key", "do", "sign", "payload", "{}"),
	} {
		if strings.Contains(got.want(http.StatusOK).body, shown) || got.find("#line").Length() != 0 {
			t.Error("the key is shown though nobody asked for it")
		}
		got.wantPage()
	}
	got := b.post("/lab/key", b.get("/lab/key").button("Show the lab's key")...)
	got.says("#lab-key", shown).wantPage()
	if got := b.post("/lab/key", got.button("Sign it with the key")...); got.text("#lab-key") != shown || got.text("#signed") == "" {
		t.Error("signing hides the key that was shown")
	}
}

func TestLabSigns(t *testing.T) {
	s := newSite(t, withLab)
	s.add(t, "ada", account.Owner)
	b := s.browser(t)
	page := b.post("/lab/key", "do", "sign", "name", "lab", "payload", `{"role":"admin","sid":"x"}`)
	page.wantPage()
	got := b.post("/lab/cookie", page.button("Ask the server about it")...)
	got.says("#verdict h3", "Accepted").says("#verdict code", "")
	signed := page.text("#signed")
	page.says("#account", "curl -i -H 'Cookie: glassjar="+signed+"' 'http://jar.example/account'")
	s.browser(t).get("/account", "Cookie", "glassjar="+signed).want(http.StatusSeeOther, "/?next=%2Faccount")

	for name, fields := range map[string][]string{
		"no name of a cookie":  {"name", "a b", "payload", "{}"},
		"a bar in the payload": {"name", "lab", "payload", "a\nb"},
		"too much":             {"name", "lab", "payload", strings.Repeat("a", 2001)},
	} {
		got := b.post("/lab/key", append(fields, "do", "sign")...).want(http.StatusOK)
		if got.text("#problem p") == "" || got.find("#signed").Length() != 0 {
			t.Errorf("%s: signed", name)
		}
		if kept := got.find("#payload").AttrOr("value", ""); name == "too much" && len(kept) != 2001 {
			t.Errorf("%s: %d letters are kept", name, len(kept))
		}
		got.wantPage()
	}
}

// The line that the page prints works in a shell, whatever it signs: the
// server accepts what it prints, in the lab and nowhere else.
func TestLabLineWorksInAShell(t *testing.T) {
	for _, tool := range []string{"sh", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool)
		}
	}
	s := newSite(t, withLab)
	ada := s.add(t, "ada", account.Owner)
	b := s.browser(t)
	for _, tt := range []struct{ name, payload string }{
		{"lab", `{"role":"admin","visits":1}`},
		{"it's", `{"a":"it's \"é\" $(id) %s \\ ` + "`id`" + `"}`},
		{"glassjar", `{"username":"ada","sid":"` + ada.ID + `","started":1795371641}`},
	} {
		page := b.post("/lab/key", "do", "sign", "shown", "1", "name", tt.name, "payload", tt.payload)
		line := page.text("#line")
		if line == "" {
			t.Fatalf("no line for %s: %s", tt.name, page.text("#problem"))
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, line)
		}
		got := b.post("/lab/cookie", "name", tt.name, "value", string(out))
		got.says("#verdict h3", "Accepted").says("textarea", strings.TrimSpace(string(out)))
		if got.steps() != "++++++" {
			t.Errorf("the checks are %s", got.steps())
		}
		s.browser(t).get("/account", "Cookie", "glassjar="+strings.TrimSpace(string(out))).want(http.StatusSeeOther, "/?next=%2Faccount")
	}
}

func TestLabEncodedIsNotEncrypted(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	page := b.get("/lab/key").says("#plain-payload", `{"role":"reader","visits":1}`)
	sealed := page.text("#sealed-payload")
	if raw := strings.ReplaceAll(sealed, " ", ""); len(raw) != 2*(16+len(`{"role":"reader","visits":1}`)) || strings.Trim(raw, "0123456789abcdef") != "" {
		t.Errorf("the encrypted payload reads %q", sealed)
	}
	if again := b.get("/lab/key").text("#sealed-payload"); again == sealed {
		t.Error("it is encrypted the same way twice")
	}
	fields := page.button("Change one letter of it")
	got := b.post("/lab/key", fields...)
	got.says("#verdict h3", "Refused").says("#verdict code", "securecookie: the value is not valid").wantPage()
	unchanged := page.text("#sealed-value")
	b.post("/lab/key", "do", "change", "value", unchanged).says("#verdict h3", "Accepted")
}
