package handlers_test

import (
	"encoding/hex"
	"html"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/utl/account"
)

const midnight = "meet me at midnight"

// overTLS returns the bytes that the page shows as sent over TLS.
func (a *answer) overTLS() string {
	a.t.Helper()
	titles := a.find("#tls").Clone()
	titles.Find("b").Remove()
	raw, err := hex.DecodeString(strings.Join(strings.Fields(titles.Text()), ""))
	if err != nil || len(raw) == 0 {
		a.t.Fatalf("%d bytes over TLS, error %v", len(raw), err)
	}
	return string(raw)
}

func TestLabWireBeforeASecret(t *testing.T) {
	b := newSite(t, withLab).browser(t)
	got := b.get("/lab/wire?key=1").want(http.StatusOK)
	got.wantPage()
	if text := got.text("#http"); !strings.HasPrefix(text, "GET /lab/wire?key=1 HTTP/1.1") || strings.Contains(text, "lab=") {
		t.Errorf("over http: %s", text)
	}
	got.says(".ways .bad h3", "Readable, all of it")
	if title := got.text(".ways .good h3"); !strings.HasPrefix(title, "Not found: your request is in none of ") {
		t.Errorf("over https: %s", title)
	}
	if sent := got.overTLS(); sent[0] != 22 || strings.Contains(sent, "GET /lab/wire") {
		t.Errorf("over https the request is %q", sent)
	}
	if field := got.find("#secret"); field.AttrOr("value", "") != midnight || field.AttrOr("autocomplete", "") != "off" {
		t.Error("the form offers no secret, or one that the browser keeps")
	}
	b.get("/lab/wire").says("#http .p", b.held("lab")).says(".ways .bad h3", "Found: your cookie")
}

func TestLabWireSendsASecretBothWays(t *testing.T) {
	b := newSite(t, withLab).browser(t)
	b.get("/lab/wire")
	got := b.post("/lab/wire", "secret", midnight).want(http.StatusOK)
	got.wantPage()
	got.says("#http b", "POST /lab/wire HTTP/1.1").says("#http .p", b.held("lab")).says("#http mark", "meet+me+at+midnight")
	got.says(".ways .bad h3", "Found: your secret, and your cookie")
	got.says(".ways .bad p:first-of-type", "A form writes a space as + and many other characters as % and two digits. Anybody can undo that.")
	sent := got.overTLS()
	for _, text := range []string{midnight, "meet+me", "POST /lab", b.held("lab")} {
		if strings.Contains(sent, text) {
			t.Errorf("over https %q is readable", text)
		}
	}
	if want := "Not found: the secret is in none of " + handlers.Count(len(sent), "byte", "bytes"); got.text(".ways .good h3") != want {
		t.Errorf("got %q, want %q", got.text(".ways .good h3"), want)
	}
	b.post("/lab/wire", "secret", "midnight").says("#http mark", "midnight").says(".ways .bad p", "Whoever copies the cookie is you, until it ends.")
	b.send("/lab/wire", "key=1&secret=caf%C3%a9&value=2").says("#http mark", "1caf%C3%a92").says(".ways .bad h3", "Found: your secret, and your cookie")
	b.post("/lab/wire", "secret", "").says(".ways .bad h3", "Found: your cookie")
}

// A listener does find what stands in the server's name, and short text by
// chance: the page does not deny it.
func TestLabWireTellsTheTruth(t *testing.T) {
	b := newSite(t, withLab).browser(t)
	for secret, want := range map[string]string{"jar.example": "Found: in the server's name", "example": "Found: in the server's name", "\x16": "Found, by chance", "\x03": "Found, by chance"} {
		got := b.post("/lab/wire", "secret", secret).want(http.StatusOK)
		if title := got.text(".ways section:last-child h3"); title != want || got.find(".ways .bad").Length() != 2 {
			t.Errorf("%q: got %q, want %q", secret, title, want)
		}
	}
}

func TestLabWireSaysWhatStillShows(t *testing.T) {
	s := newSite(t, withLab)
	got := s.stranger(t, "192.0.2.7").get("/lab/wire")
	shown := got.text("#shows + dl, section:has(#shows) dl")
	for _, want := range []string{"jar.example", "192.0.2.7 to this server", s.clock.now().UTC().Format("15:04:05 UTC")} {
		if !strings.Contains(shown, want) {
			t.Errorf("what still shows is %q, want %q in it", shown, want)
		}
	}
	if name := got.find("#tls mark").Text(); name != "6a 61 72 2e 65 78 61 6d 70 6c 65" {
		t.Errorf("in the hello, %q is marked", name)
	}
	const none = "none: you asked for an address"
	if at := newSite(t, withLab, func(c *handlers.Config) { c.PublicURL.Host = "127.0.0.1" }).browser(t).get("/lab/wire"); !strings.Contains(at.text("section:has(#shows) dl"), none) || at.find("#tls mark").Length() != 0 {
		t.Error("an address is taken for a name")
	}
}

// Whether the page came over https is a trusted proxy's word, and nobody else's.
func TestLabWireSaysHowItCame(t *testing.T) {
	plainSite, secureSite := newSite(t, withLab), newSite(t, secure, withLab)
	for _, tt := range []struct {
		row   string
		b     *browser
		proto string
		want  string
	}{
		{"http", plainSite.browser(t), "", "This very page came over http, on this machine alone. So its cookie has no Secure, which would keep it from ever going out as on the left."},
		{"http, through a proxy", plainSite.stranger(t, "192.0.2.7"), "http", "This very page came over http. So its cookie has no Secure, which would keep it from ever going out as on the left."},
		{"https", secureSite.stranger(t, "192.0.2.7"), "https", "This very page came over https. Its cookie has Secure, so your browser never sends it over http, as on the left."},
		{"https, on an http site", plainSite.stranger(t, "192.0.2.7"), "https", "This very page came over https. But this site calls itself an http site, so its cookie has no Secure: your browser would send it over http too, as on the left."},
		{"http, and the proxy does not say", plainSite.stranger(t, "192.0.2.7"), "", "This very page came over http. So its cookie has no Secure, which would keep it from ever going out as on the left."},
		{"https, straight to us", secureSite.browser(t), "", "This very page came over https. Its cookie has Secure, so your browser never sends it over http, as on the left."},
		{"http, on an https site", secureSite.stranger(t, "192.0.2.7"), "http", "This very page came over http. Its cookie has Secure, so your browser sends it over https alone."},
	} {
		if got := tt.b.get("/lab/wire", "X-Forwarded-Proto", tt.proto).text("#came"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.row, got, tt.want)
		}
	}
	untrusted := newSite(t, withLab, func(c *handlers.Config) { c.TrustedProxies = nil })
	if got := untrusted.browser(t).get("/lab/wire", "X-Forwarded-Proto", "https").text("#came"); !strings.HasPrefix(got, "This very page came over http,") {
		t.Errorf("anybody may say that the page came over https: %q", got)
	}
}

// Attack http/forms: what is no secret is refused before anything is sent.
func TestLabWireRefuses(t *testing.T) {
	b := newSite(t, withLab).browser(t)
	for body, want := range map[string]int{
		"secret=" + strings.Repeat("a", 200):            http.StatusOK,
		"secret=" + strings.Repeat("%f0%9f%8d%aa", 200): http.StatusOK,
		"secret=" + strings.Repeat("a", 201):            http.StatusUnprocessableEntity,
		"secret=" + strings.Repeat("a", 10<<10):         http.StatusUnprocessableEntity,
		"secret=a%00b":                                  http.StatusBadRequest,
		"secret=a%ffb":                                  http.StatusBadRequest,
		"secret=a&secret=b":                             http.StatusBadRequest,
		"secret=%zz":                                    http.StatusBadRequest,
		"secret=" + strings.Repeat("a", 64<<10):         http.StatusRequestEntityTooLarge,
	} {
		got := b.send("/lab/wire", body).want(want)
		got.wantPage()
		if want == http.StatusUnprocessableEntity {
			got.says("#problem p", "A secret has at most 200 characters here. Nothing was sent.")
			if got.find("#http, #tls").Length() != 0 {
				t.Error("it was refused, yet it was sent")
			}
		}
		if want == http.StatusOK && got.text(".ways .bad h3") != "Found: your secret, and your cookie" && got.text(".ways .bad h3") != "Found: your secret" {
			t.Errorf("%.20s: got %q", body, got.text(".ways .bad h3"))
		}
	}
	b.send("/lab/wire", "secret=a", "Content-Type", "text/plain").want(http.StatusUnsupportedMediaType)
}

// Attack browser/script: whatever comes is shown as text, with the visitor's secrets masked.
func TestLabWireShowsTextAlone(t *testing.T) {
	const script = `</pre><script>alert(1)</script>`
	s := newSite(t, withLab)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada")
	got := b.post("/lab/wire", "secret", script).want(http.StatusOK)
	got.wantPage()
	if got.find("#secret").AttrOr("value", "") != script {
		t.Error("the form does not hold the secret as it was typed")
	}
	got = b.send("/lab/wire?"+"%3Cscript%3E=</pre><script>", "secret=<script>&<script>=</pre>&pass=c4nary",
		"User-Agent", script, "X-Mine", script+"\u202e", "Authorization", "Bearer c4nary", "Cookie", "x=<script>")
	got.want(http.StatusOK).wantPage()
	text := got.find("#http").Text()
	if !strings.Contains(text, "User-Agent: "+script) || !strings.Contains(text, "pass=•••") || strings.ContainsRune(text, '\u202e') {
		t.Errorf("over http: %s", text)
	}
	for _, secret := range []string{"c4nary", b.held("glassjar"), b.held("glassjar-device")} {
		if page := html.UnescapeString(got.body); secret == "" || strings.Contains(page, secret) || strings.Contains(got.overTLS(), secret) {
			t.Errorf("the page shows %q", secret)
		}
	}
	if log := s.log.String(); strings.Contains(log, "secret=%3C") || strings.Contains(log, "c4nary") || !strings.Contains(log, "secret=•••") {
		t.Errorf("the secret is in the log, or the log has no form:\n%s", log)
	}
}

// Attack http/limits: however much comes, so much is shown and sent, and the page says
// what is left out.
func TestLabWireIsBounded(t *testing.T) {
	b := newSite(t, withLab).browser(t)
	header := []string{"X-Long", strings.Repeat("x", 20<<10)}
	for i := range 300 {
		header = append(header, "X-"+strings.Repeat("a", i%20+1)+strings.Repeat("b", i/20), strings.Repeat("y", 60))
	}
	got := b.send("/lab/wire?"+strings.Repeat("q", 9<<10), "secret="+midnight+"&"+strings.Repeat("a=%3C&", 9_000), header...).want(http.StatusOK)
	if size := len(got.body); size > 300<<10 {
		t.Errorf("the page has %d bytes", size)
	}
	if sent := len(got.overTLS()); sent > 16<<10 {
		t.Errorf("%d bytes were sent", sent)
	}
	if why := got.text(".ways .bad p:last-child"); !strings.HasSuffix(why, "left out here: too long to show.") {
		t.Errorf("of what is left out it says %q", why)
	}
}
