package handlers_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/anatomy"
)

// Attack cookie/foreign-key: what the lab signs is accepted nowhere else, whatever it says.
func TestLabSignsNobodyIn(t *testing.T) {
	s := newSite(t, withLab)
	ada := s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada")
	session := b.held("glassjar")
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
			signed := s.browser(t).post("/lab/key", "do", "sign", "name", name, "payload", says).want(http.StatusOK).text("#signed")
			if signed == "" {
				t.Fatal("the lab did not sign")
			}
			for _, header := range []string{"glassjar=" + signed, "lab=" + signed, "glassjar-device=" + signed} {
				s.browser(t).get("/account", "Cookie", header).want(http.StatusSeeOther, "/?next=%2Faccount")
			}
		}
	}
}

// The lab takes nothing that the site signed, and tells nothing of it.
func TestLabRefusesTheSitesCookies(t *testing.T) {
	s := newSite(t, withLab)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada")
	for _, name := range []string{"glassjar", "glassjar-device"} {
		for _, as := range []string{name, "lab"} {
			got := b.post("/lab/cookie", "name", as, "value", b.held(name)).want(http.StatusOK)
			got.says("#verdict h3", "Refused").says("#verdict code", "securecookie: the value is not valid")
			got.says("#verdict p:first-of-type", "Its signature was not made with this server's key. Without the key you cannot make a new one.")
		}
	}
}

// Nothing of the visitor's secrets is on a page of the lab, and nothing of the
// lab's in the log.
func TestLabMasks(t *testing.T) {
	s := newSite(t, withLab)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada")
	b.get("/lab/cookie")
	secrets := []string{b.held("glassjar"), b.held("glassjar-device"), "c4nary"}
	header := []string{
		"Authorization", "Bearer c4nary", "Proxy-Authorization", "Basic c4nary", "X-Api-Key", "c4nary", "X-Auth-Token", "c4nary",
		"X-Unknown", "c4nary", "Cookie", "unknown=c4nary; c4nary",
		"Referer", b.base + "/lab/request?password=c4nary&unknown=c4nary&a=b",
	}
	query := "?password=c4nary&Passwd=c4nary&%70assword=c4nary&access_token=c4nary&unknown=c4nary&a=b"
	for _, path := range labPaths {
		pages := map[string]*answer{"GET": b.get(path+query, header...)}
		if path != "/lab" {
			pages["POST"] = b.send(path+query, "do=add&key=a&unknown=c4nary&password=c4nary&current-password=c4nary", header...)
		}
		for method, got := range pages {
			for _, secret := range secrets {
				if strings.Contains(html.UnescapeString(got.want(http.StatusOK).body), secret) {
					t.Errorf("%s %s shows the secret %.12s", method, path, secret)
				}
			}
		}
	}
	b.post("/lab/cookie", "name", "pasted-name", "value", "pasted-value")
	b.post("/lab/session", "do", "add", "key", "pasted-key", "value", "pasted-value")
	b.post("/lab/key", "do", "sign", "name", "pasted-name", "payload", `{"pasted":1}`)
	log := s.log.String()
	for _, secret := range append(secrets, "pasted") {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %.12s", secret)
		}
	}
	if !strings.Contains(log, "unknown=•••") || !strings.Contains(log, "value=•••") || !strings.Contains(log, "do=add") {
		t.Error("the debug log has no form: the test proves nothing")
	}
}

// Attack browser/csrf: another site's page changes nothing in the lab either.
func TestLabFormsFromElsewhereAreRefused(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	b.get("/lab/session")
	for _, path := range labPaths[1:] {
		got := b.send(path, form("do", "clear", "key", "a", "value", "b"), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		if got.want(http.StatusForbidden); got.cookie("lab") != nil {
			t.Errorf("%s: refused, yet the lab's cookie is set", path)
		}
	}
}

// What is pasted comes back as text, all of it, and is nowhere afterwards.
func TestLabTakesWhateverIsPasted(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	b.get("/lab/session")
	held := b.held("lab")
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
				got := b.post("/lab/cookie", of...).want(http.StatusOK)
				got.says("#verdict h3", "Refused").wantPage()
				if got.cookie("lab") != nil {
					t.Error("the lab's cookie was set anew")
				}
				if strings.ContainsAny(got.find("#verdict").Text(), "\u202e\u200f\u2066\x00\x1b") {
					t.Error("the verdict holds what a terminal or the order of letters obeys")
				}
			}
			if name == "script" {
				b.post("/lab/cookie", "name", "lab", "value", pasted).says("textarea", pasted)
			}
			for path, fields := range map[string][]string{
				"/lab/session": {"do", "add", "key", pasted, "value", pasted},
				"/lab/request": {"username", pasted, pasted, "1"},
				"/lab/key":     {"do", "sign", "name", pasted, "payload", pasted},
			} {
				b.post(path, fields...).want(http.StatusOK).wantPage()
			}
		})
	}
	if got := b.held("lab"); got != held {
		t.Errorf("the lab's cookie is %q, want what it was: %q", got, held)
	}
}
