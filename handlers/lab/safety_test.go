package lab_test

import (
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/anatomy"
)

// Attack cookie/foreign-key: nothing else accepts what the lab signs, whatever its content.
func TestLabSignsNobodyIn(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	ada := s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	session := labCookieOf(b, "glassjar")
	real, err := anatomy.Parse("glassjar", session)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := real.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lab", "glassjar", "glassjar-device"} {
		for _, says := range []string{payload, `{"account":"` + ada.ID + `","device":"A","epoch":0}`} {
			signed := s.Browser(t).Post("/lab/key", "do", "sign", "name", name, "payload", says).Want(http.StatusOK).Text("#signed")
			if signed == "" {
				t.Fatal("the lab did not sign")
			}
			for _, header := range []string{"glassjar=" + signed, "lab=" + signed, "glassjar-device=" + signed} {
				s.Browser(t).Get("/account", "Cookie", header).Want(http.StatusSeeOther, "/?next=%2Faccount")
			}
		}
	}
}

// The lab does not accept what the site signed, and does not reveal it.
func TestLabRefusesTheSitesCookies(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	for _, name := range []string{"glassjar", "glassjar-device"} {
		for _, as := range []string{name, "lab"} {
			got := b.Post("/lab/cookie", "name", as, "value", labCookieOf(b, name)).Want(http.StatusOK)
			got.Says("#verdict h3", "Refused").Says("#verdict code", "securecookie: the value is not valid")
			got.Says("#verdict p:first-of-type", "The lab's key did not make this signature for this name, date and payload. Without the key you cannot make a new one.")
		}
	}
}

// No page of the lab contains the visitor's secrets, and the log contains nothing of the
// lab's.
func TestLabMasks(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	b.Get("/lab/cookie")
	secrets := []string{labCookieOf(b, "glassjar"), labCookieOf(b, "glassjar-device"), "c4nary"}
	header := []string{
		"Authorization", "Bearer c4nary", "Proxy-Authorization", "Basic c4nary", "X-Api-Key", "c4nary", "X-Auth-Token", "c4nary",
		"X-Unknown", "c4nary", "Cookie", "unknown=c4nary; c4nary",
		"Referer", b.Base + "/lab/request?password=c4nary&unknown=c4nary&a=b",
	}
	query := "?password=c4nary&Passwd=c4nary&%70assword=c4nary&access_token=c4nary&unknown=c4nary&a=b"
	for _, path := range webtest.LabPaths {
		pages := map[string]*webtest.Answer{"GET": b.Get(path+query, header...)}
		if !slices.Contains(webtest.LabReads, path) {
			pages["POST"] = b.Send(path+query, "do=add&key=a&unknown=c4nary&password=c4nary&current-password=c4nary", header...)
		}
		for method, got := range pages {
			for _, secret := range secrets {
				if strings.Contains(html.UnescapeString(got.Want(http.StatusOK).Body), secret) {
					t.Errorf("%s %s shows the secret %.12s", method, path, secret)
				}
			}
		}
	}
	b.Post("/lab/cookie", "name", "pasted-name", "value", "pasted-value")
	b.Post("/lab/session", "do", "add", "key", "pasted-key", "value", "pasted-value")
	b.Post("/lab/key", "do", "sign", "name", "pasted-name", "payload", `{"pasted":1}`)
	log := s.Log.String()
	for _, secret := range append(secrets, "pasted") {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %.12s", secret)
		}
	}
	if !strings.Contains(log, "unknown=•••") || !strings.Contains(log, "value=•••") || !strings.Contains(log, "do=add") {
		t.Error("the debug log has no form: the test proves nothing")
	}
}

// Attack browser/csrf: another site's page cannot change anything in the lab either.
func TestLabFormsFromElsewhereAreRefused(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Get("/lab/session")
	for _, path := range webtest.LabPaths[1:] {
		got := b.Send(path, webtest.Form("do", "clear", "key", "a", "value", "b"), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		if got.Want(http.StatusForbidden); got.Cookie("lab") != nil {
			t.Errorf("%s: refused, yet the lab's cookie is set", path)
		}
	}
}

// What is pasted is shown completely, as text, and is stored nowhere.
func TestLabTakesWhateverIsPasted(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Get("/lab/session")
	held := labCookieOf(b, "lab")
	var controls strings.Builder
	for c := range rune(0xa0) {
		controls.WriteRune(c)
	}
	for name, pasted := range map[string]string{
		"script":        strings.Repeat(`</textarea></samp><script>alert(1)</script><img src=x onerror=alert(1)>`, 140),
		"right to left": strings.Repeat("\u202e\u200f\u2066abc", 1000),
		"controls":      strings.Repeat(controls.String(), 60),
		"no text":       strings.Repeat("\xff\xfe\xc0", 3500),
		"quotes":        strings.Repeat(`"' onfocus=alert(1) autofocus x='"`, 300),
	} {
		t.Run(name, func(t *testing.T) {
			for _, of := range [][]string{{"name", "lab", "value", pasted}, {"name", pasted, "value", held}} {
				got := b.Post("/lab/cookie", of...).Want(http.StatusOK)
				got.Says("#verdict h3", "Refused").WantPage()
				if got.Cookie("lab") != nil {
					t.Error("the lab's cookie was set anew")
				}
				if strings.ContainsAny(got.Find("#verdict").Text(), "\u202e\u200f\u2066\x00\x1b") {
					t.Error("the verdict holds what a terminal or the order of letters obeys")
				}
			}
			if name == "script" {
				b.Post("/lab/cookie", "name", "lab", "value", pasted).Says("textarea", pasted)
			}
			for path, fields := range map[string][]string{
				"/lab/session": {"do", "add", "key", pasted, "value", pasted},
				"/lab/request": {"username", pasted, pasted, "1"},
				"/lab/key":     {"do", "sign", "name", pasted, "payload", pasted},
			} {
				b.Post(path, fields...).Want(http.StatusOK).WantPage()
			}
		})
	}
	if got := labCookieOf(b, "lab"); got != held {
		t.Errorf("the lab's cookie is %q, want what it was: %q", got, held)
	}
}
