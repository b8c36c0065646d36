package lab_test

import (
	"encoding/hex"
	"html"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/lab"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

const midnight = "meet me at midnight"

// overTLS returns the bytes that the page shows as sent over TLS.
func overTLS(a *webtest.Answer) string {
	a.T.Helper()
	titles := a.Find("#tls").Clone()
	titles.Find("b").Remove()
	raw, err := hex.DecodeString(strings.Join(strings.Fields(titles.Text()), ""))
	if err != nil || len(raw) == 0 {
		a.T.Fatalf("%d bytes over TLS, error %v", len(raw), err)
	}
	return string(raw)
}

func TestLabWireBeforeASecret(t *testing.T) {
	b := webtest.New(t, webtest.WithLab).Browser(t)
	got := b.Get("/lab/wire?key=1").Want(http.StatusOK)
	got.WantPage()
	if text := got.Text("#http"); !strings.HasPrefix(text, "GET /lab/wire?key=1 HTTP/1.1") || strings.Contains(text, "lab=") {
		t.Errorf("over http: %s", text)
	}
	got.Says(".both-ways .bad h3", "Readable, all of it")
	if title := got.Text(".both-ways .good h3"); !strings.HasPrefix(title, "Not found: your request is in none of ") {
		t.Errorf("over https: %s", title)
	}
	if sent := overTLS(got); sent[0] != 22 || strings.Contains(sent, "GET /lab/wire") {
		t.Errorf("over https the request is %q", sent)
	}
	if field := got.Find("#secret"); field.AttrOr("value", "") != midnight || field.AttrOr("autocomplete", "") != "off" {
		t.Error("the form offers no secret, or one that the browser keeps")
	}
	b.Get("/lab/wire").Says("#http .p", labCookieOf(b, "lab")).Says(".both-ways .bad h3", "Found: your cookie")
}

func TestLabWireSendsASecretBothWays(t *testing.T) {
	b := webtest.New(t, webtest.WithLab).Browser(t)
	b.Get("/lab/wire")
	got := b.Post("/lab/wire", "secret", midnight).Want(http.StatusOK)
	got.WantPage()
	got.Says("#http b", "POST /lab/wire HTTP/1.1").Says("#http .p", labCookieOf(b, "lab")).Says("#http mark", "meet+me+at+midnight")
	got.Says(".both-ways .bad h3", "Found: your secret, and your cookie")
	got.Says(".both-ways .bad p:first-of-type", "A form writes a space as + and many other characters as % and two digits. Anybody can undo that.")
	sent := overTLS(got)
	for _, text := range []string{midnight, "meet+me", "POST /lab", labCookieOf(b, "lab")} {
		if strings.Contains(sent, text) {
			t.Errorf("over https %q is readable", text)
		}
	}
	if want := "Not found: the secret is in none of " + lab.Count(len(sent), "byte", "bytes"); got.Text(".both-ways .good h3") != want {
		t.Errorf("got %q, want %q", got.Text(".both-ways .good h3"), want)
	}
	b.Post("/lab/wire", "secret", "midnight").Says("#http mark", "midnight").Says(".both-ways .bad p", "Whoever copies the cookie is you, until it ends.")
	b.Send("/lab/wire", "key=1&secret=caf%C3%a9&value=2").Says("#http mark", "1caf%C3%a92").Says(".both-ways .bad h3", "Found: your secret, and your cookie")
	b.Post("/lab/wire", "secret", "").Says(".both-ways .bad h3", "Found: your cookie")
}

// A listener finds what is in the server's name, and short text by chance: the page says so.
func TestLabWireTellsTheTruth(t *testing.T) {
	b := webtest.New(t, webtest.WithLab).Browser(t)
	for secret, want := range map[string]string{"jar.example": "Found: in the server's name", "example": "Found: in the server's name", "\x16": "Found, by chance", "\x03": "Found, by chance"} {
		got := b.Post("/lab/wire", "secret", secret).Want(http.StatusOK)
		if title := got.Text(".both-ways section:last-child h3"); title != want || got.Find(".both-ways .bad").Length() != 2 {
			t.Errorf("%q: got %q, want %q", secret, title, want)
		}
	}
}

func TestLabWireSaysWhatStillShows(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	got := s.Stranger(t, "192.0.2.7").Get("/lab/wire")
	shown := got.Text("#shows + dl, section:has(#shows) dl")
	for _, want := range []string{"jar.example", "192.0.2.7 to this server", s.Clock.Now().UTC().Format("15:04:05 UTC")} {
		if !strings.Contains(shown, want) {
			t.Errorf("what still shows is %q, want %q in it", shown, want)
		}
	}
	if name := got.Find("#tls mark").Text(); name != "6a 61 72 2e 65 78 61 6d 70 6c 65" {
		t.Errorf("in the hello, %q is marked", name)
	}
	const none = "none: you asked for an address"
	if at := webtest.New(t, webtest.WithLab, func(c *handlers.Config) { c.PublicURL.Host = "127.0.0.1" }).Browser(t).Get("/lab/wire"); !strings.Contains(at.Text("section:has(#shows) dl"), none) || at.Find("#tls mark").Length() != 0 {
		t.Error("an address is taken for a name")
	}
}

// Only a trusted proxy can say that the page was requested over https.
func TestLabWireSaysHowItCame(t *testing.T) {
	plainSite, secureSite := webtest.New(t, webtest.WithLab), webtest.New(t, webtest.Secure, webtest.WithLab)
	for _, tt := range []struct {
		row   string
		b     *webtest.Browser
		proto string
		want  string
	}{
		{"http", plainSite.Browser(t), "", "This very page came over http, on this machine alone. So its cookie has no Secure, which would keep it from ever going out as on the left."},
		{"http, through a proxy", plainSite.Stranger(t, "192.0.2.7"), "http", "This very page came over http. So its cookie has no Secure, which would keep it from ever going out as on the left."},
		{"https", secureSite.Stranger(t, "192.0.2.7"), "https", "This very page came over https. Its cookie has Secure, so your browser never sends it over http, as on the left."},
		{"https, on an http site", plainSite.Stranger(t, "192.0.2.7"), "https", "This very page came over https. But this site calls itself an http site, so its cookie has no Secure: your browser would send it over http too, as on the left."},
		{"http, and the proxy does not say", plainSite.Stranger(t, "192.0.2.7"), "", "This very page came over http. So its cookie has no Secure, which would keep it from ever going out as on the left."},
		{"https, straight to us", secureSite.Browser(t), "", "This very page came over https. Its cookie has Secure, so your browser never sends it over http, as on the left."},
		{"http, on an https site", secureSite.Stranger(t, "192.0.2.7"), "http", "This very page came over http. Its cookie has Secure, so your browser sends it over https alone."},
	} {
		if got := tt.b.Get("/lab/wire", "X-Forwarded-Proto", tt.proto).Text("#came"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.row, got, tt.want)
		}
	}
	untrusted := webtest.New(t, webtest.WithLab, func(c *handlers.Config) { c.TrustedProxies = nil })
	if got := untrusted.Browser(t).Get("/lab/wire", "X-Forwarded-Proto", "https").Text("#came"); !strings.HasPrefix(got, "This very page came over http,") {
		t.Errorf("anybody may say that the page came over https: %q", got)
	}
}

// Attack http/forms: an invalid secret is refused before anything is sent.
func TestLabWireRefuses(t *testing.T) {
	b := webtest.New(t, webtest.WithLab).Browser(t)
	const tooLong = -http.StatusOK // a page of the lab as well, which says so
	for body, want := range map[string]int{
		"secret=" + strings.Repeat("a", 200):            http.StatusOK,
		"secret=" + strings.Repeat("%f0%9f%8d%aa", 200): http.StatusOK,
		"secret=" + strings.Repeat("a", 201):            tooLong,
		"secret=" + strings.Repeat("a", 10<<10):         tooLong,
		"secret=a%00b":                                  http.StatusBadRequest,
		"secret=a%ffb":                                  http.StatusBadRequest,
		"secret=a&secret=b":                             http.StatusBadRequest,
		"secret=%zz":                                    http.StatusBadRequest,
		"secret=" + strings.Repeat("a", 64<<10):         http.StatusRequestEntityTooLarge,
	} {
		got := b.Send("/lab/wire", body).Want(max(want, -want))
		got.WantPage()
		if want == tooLong {
			got.Says("#problem p", "A secret has at most 200 characters here. Nothing was sent.")
			if got.Find("#http, #tls").Length() != 0 {
				t.Error("it was refused, yet it was sent")
			}
		}
		if want == http.StatusOK && got.Text(".both-ways .bad h3") != "Found: your secret, and your cookie" && got.Text(".both-ways .bad h3") != "Found: your secret" {
			t.Errorf("%.20s: got %q", body, got.Text(".both-ways .bad h3"))
		}
	}
	b.Send("/lab/wire", "secret=a", "Content-Type", "text/plain").Want(http.StatusUnsupportedMediaType)
}

// Attack browser/script: all input is shown as text, with the visitor's secrets masked.
func TestLabWireShowsTextAlone(t *testing.T) {
	const script = `</pre><script>alert(1)</script>`
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	got := b.Post("/lab/wire", "secret", script).Want(http.StatusOK)
	got.WantPage()
	if got.Find("#secret").AttrOr("value", "") != script {
		t.Error("the form does not hold the secret as it was typed")
	}
	got = b.Send("/lab/wire?"+"%3Cscript%3E=</pre><script>", "secret=<script>&<script>=</pre>&pass=c4nary",
		"User-Agent", script, "X-Mine", script+"\u202e", "Authorization", "Bearer c4nary", "Cookie", "x=<script>")
	got.Want(http.StatusOK).WantPage()
	text := got.Find("#http").Text()
	if !strings.Contains(text, "User-Agent: "+script) || !strings.Contains(text, "pass=•••") || strings.ContainsRune(text, '\u202e') {
		t.Errorf("over http: %s", text)
	}
	for _, secret := range []string{"c4nary", labCookieOf(b, "glassjar"), labCookieOf(b, "glassjar-device")} {
		if page := html.UnescapeString(got.Body); secret == "" || strings.Contains(page, secret) || strings.Contains(overTLS(got), secret) {
			t.Errorf("the page shows %q", secret)
		}
	}
	if log := s.Log.String(); strings.Contains(log, "secret=%3C") || strings.Contains(log, "c4nary") || !strings.Contains(log, "secret=•••") {
		t.Errorf("the secret is in the log, or the log has no form:\n%s", log)
	}
}

// Attack http/limits: only a limited part of a large request is shown and sent, and the page
// says what is omitted.
func TestLabWireIsBounded(t *testing.T) {
	b := webtest.New(t, webtest.WithLab).Browser(t)
	header := []string{"X-Long", strings.Repeat("x", 20<<10)}
	for i := range 300 {
		header = append(header, "X-"+strings.Repeat("a", i%20+1)+strings.Repeat("b", i/20), strings.Repeat("y", 60))
	}
	got := b.Send("/lab/wire?"+strings.Repeat("q", 9<<10), "secret="+midnight+"&"+strings.Repeat("a=%3C&", 9_000), header...).Want(http.StatusOK)
	if size := len(got.Body); size > 300<<10 {
		t.Errorf("the page has %d bytes", size)
	}
	if sent := len(overTLS(got)); sent > 16<<10 {
		t.Errorf("%d bytes were sent", sent)
	}
	if why := got.Text(".both-ways .bad p:last-child"); !strings.HasSuffix(why, "left out here: too long to show.") {
		t.Errorf("of what is left out it says %q", why)
	}
}
