package lab_test

import (
	"encoding/base64"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/tooltest"
)

func reencode(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) }

func TestLabKeyIsShownOnRequest(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	shown := base64.StdEncoding.EncodeToString(webtest.LabKey[:])
	for _, got := range []*webtest.Answer{
		b.Get("/lab/key"), b.Get("/lab/key?do=show&shown=1"), b.Post("/lab/key"), b.Post("/lab/key", "do", "sign", "payload", "{}"),
	} {
		if strings.Contains(got.Want(http.StatusOK).Body, shown) || got.Find("#line").Length() != 0 {
			t.Error("the key is shown though nobody asked for it")
		}
		got.WantPage()
	}
	got := b.Post("/lab/key", b.Get("/lab/key").Button("Show the lab's key")...)
	got.Says("#lab-key", shown).WantPage()
	if got := b.Post("/lab/key", got.Button("Sign it with the key")...); got.Text("#lab-key") != shown || got.Text("#signed") == "" {
		t.Error("signing hides the key that was shown")
	}
}

// The page is right also about a key that the server neither made nor keeps in .env.
func TestLabKeyIsMadeAndKeptInSeveralWays(t *testing.T) {
	facts := webtest.New(t, webtest.WithLab).Browser(t).Get("/lab/key").Find(".facts dd")
	wantTexts(t, []string{facts.Eq(1).Text(), facts.Eq(2).Text()},
		"by the server's first start, unless it was given one; by hand: openssl rand -base64 32",
		"in .env, in the environment or in SESSION_KEYS_FILE, where others may not read it, and never in the repository")
}

func TestLabSigns(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Owner)
	b := s.Browser(t)
	page := b.Post("/lab/key", "do", "sign", "name", "lab", "payload", `{"role":"admin","sid":"x"}`)
	page.WantPage()
	got := b.Post("/lab/cookie", page.Button("Ask the server about it")...)
	got.Says("#verdict h3", "Accepted").Says("#verdict code", "")
	signed := page.Text("#signed")
	page.Says("#account", "curl -i -H 'Cookie: glassjar="+signed+"' 'http://jar.example/account'")
	s.Browser(t).Get("/account", "Cookie", "glassjar="+signed).Want(http.StatusSeeOther, "/?next=%2Faccount")

	for name, fields := range map[string][]string{
		"no name of a cookie":  {"name", "a b", "payload", "{}"},
		"a bar in the payload": {"name", "lab", "payload", "a\nb"},
		"too much":             {"name", "lab", "payload", strings.Repeat("a", 2001)},
	} {
		got := b.Post("/lab/key", append(fields, "do", "sign")...).Want(http.StatusOK)
		if got.Text("#problem p") == "" || got.Find("#signed").Length() != 0 {
			t.Errorf("%s: signed", name)
		}
		if kept := got.Find("#payload").AttrOr("value", ""); name == "too much" && len(kept) != 2001 {
			t.Errorf("%s: %d letters are kept", name, len(kept))
		}
		got.WantPage()
	}
}

// The command on the page works in a shell, whatever it signs: the lab accepts its output,
// and nothing else does.
func TestLabLineWorksInAShell(t *testing.T) {
	for _, tool := range []string{"sh", "openssl"} {
		tooltest.Need(t, tool)
	}
	s := webtest.New(t, webtest.WithLab)
	ada := s.Add(t, "ada", account.Owner)
	b := s.Browser(t)
	for _, tt := range []struct{ name, payload string }{
		{"lab", `{"role":"admin","visits":1}`},
		{"it's", `{"a":"it's \"é\" $(id) %s \\ ` + "`id`" + `"}`},
		{"glassjar", `{"username":"ada","sid":"` + ada.ID + `","started":1795371641}`},
	} {
		page := b.Post("/lab/key", "do", "sign", "shown", "1", "name", tt.name, "payload", tt.payload)
		line := page.Text("#line")
		if line == "" {
			t.Fatalf("no line for %s: %s", tt.name, page.Text("#problem"))
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, line)
		}
		got := b.Post("/lab/cookie", "name", tt.name, "value", string(out))
		got.Says("#verdict h3", "Accepted").Says("textarea", strings.TrimSpace(string(out)))
		if steps(got) != "++++++" {
			t.Errorf("the checks are %s", steps(got))
		}
		s.Browser(t).Get("/account", "Cookie", "glassjar="+strings.TrimSpace(string(out))).Want(http.StatusSeeOther, "/?next=%2Faccount")
	}
}

func TestLabEncodedIsNotEncrypted(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	page := b.Get("/lab/key").Says("#plain-payload", `{"role":"reader","visits":1}`)
	sealed := page.Text("#sealed-payload")
	if raw := strings.ReplaceAll(sealed, " ", ""); len(raw) != 2*(16+len(`{"role":"reader","visits":1}`)) || strings.Trim(raw, "0123456789abcdef") != "" {
		t.Errorf("the encrypted payload reads %q", sealed)
	}
	if again := b.Get("/lab/key").Text("#sealed-payload"); again == sealed {
		t.Error("it is encrypted the same way twice")
	}
	fields := page.Button("Change one letter of it")
	got := b.Post("/lab/key", fields...)
	got.Says("#verdict h3", "Refused").Says("#verdict code", "securecookie: the value is not valid").WantPage()
	unchanged := page.Text("#sealed-value")
	b.Post("/lab/key", "do", "change", "value", unchanged).Says("#verdict h3", "Accepted")
}
