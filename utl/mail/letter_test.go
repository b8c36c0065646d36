package mail_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

// Each kind is rendered as text and HTML, with its link, and reveals nothing about the
// machine or the library.
func TestEveryKind(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "starttls")
	sender := w.sender(t, s.URL("smtp", "0.0.0.0"))
	for _, kind := range mail.Kinds() {
		w.put(t, sender.Queue, message(kind, "ada@home.example"))
	}
	mustSend(t, sender)
	all := s.Mails()
	if len(all) != len(mail.Kinds()) {
		t.Fatalf("%d mails came of %d kinds", len(all), len(mail.Kinds()))
	}
	seen := map[string]bool{}
	for _, m := range all {
		seen[m.Subject(t)] = true
		if m.Helo != "site.example" {
			t.Errorf("the sender is called %q", m.Helo)
		}
		if m.From != "jar@site.example" || m.Header.Get("From") != `"Ada's jar" <jar@site.example>` || m.Header.Get("To") != "<ada@home.example>" {
			t.Errorf("from %q, %q to %q", m.From, m.Header.Get("From"), m.Header.Get("To"))
		}
		if id := m.Header.Get("Message-Id"); !regexp.MustCompile(`^<[a-z2-7]{26}@site\.example>$`).MatchString(id) {
			t.Errorf("the Message-ID is %q", id)
		}
		if got := m.Header.Get("Date"); got != "Thu, 26 Nov 2026 12:00:00 +0000" {
			t.Errorf("the date is %q", got)
		}
		if m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("User-Agent")+m.Header.Get("X-Mailer") != "" {
			t.Errorf("the headers are %v", m.Header)
		}
		text, html := m.Parts(t)
		link := regexp.MustCompile(`https://jar\.example/[a-z-]+/c0de\d+`).FindString(text)
		for _, want := range []string{link, "Ada&#39;s jar", "26 Nov 2026, 11:58 UTC", "Firefox on Linux", "192.0.2.7", "https://jar.example"} {
			if !strings.Contains(html, want) || !strings.Contains(text, strings.ReplaceAll(want, "&#39;", "'")) {
				t.Errorf("%s: no %q in\n%s\n%s", m.Subject(t), want, text, html)
			}
		}
		if strings.ContainsAny(m.Subject(t)+text+html, "{}\u0000") || strings.Contains(html, "ZgotmplZ") || strings.Contains(text, "27 Nov 2026, 12:00 UTC") == false {
			t.Errorf("%s: not filled in:\n%s", m.Subject(t), text)
		}
	}
	if len(seen) != len(all) || !seen["Your password for Ada's jar was changed"] {
		t.Errorf("the subjects are %v", seen)
	}
}

func TestWhoDidIt(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "127.0.0.1"))
	owner, command, unknown := message(mail.PasswordChanged, "a@b"), message(mail.PasswordChanged, "c@d"), message(mail.PasswordChanged, "e@f")
	owner.By, command.Address, unknown.Agent = "grace", "", ""
	told := message(mail.PasswordChanged, "g@h")
	told.Agent = strings.Repeat("Call-us-at-once-", 15) + "/1.0" // the User-Agent is chosen by the client
	w.put(t, sender.Queue, owner, command, unknown, told)
	mustSend(t, sender)
	for i, want := range []string{
		"By: grace", "By: a command on the server", "Browser: Unknown browser\nAddress: 192.0.2.7", "Browser: " + strings.Repeat("Call-us-at-once-", 15)[:60] + "\n",
	} {
		if text, _ := s.Mails()[i].Parts(t); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Attack mail/injection: what people type stays text, on one line, and short.
func TestInjection(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "127.0.0.1"))
	sender.Server.Site = "jar\r\nBcc: eve@evil.example\r\n\r\n<b>"
	const evil = "x\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>\u202etxt.exe\u200f\x00\x1b[31m\xff"
	for _, text := range []string{evil, strings.Repeat(evil, 100), strings.Repeat("\u202e", 10_000), strings.Repeat("ä", 10_000)} {
		m := message(mail.FactorsChanged, "ada@home.example")
		m.Username, m.Detail, m.By, m.Address, m.Agent = text, text, text, text, text
		w.put(t, sender.Queue, m)
		m.By = "" // then the mail shows address and browser
		w.put(t, sender.Queue, m)
	}
	for _, to := range []string{"ada@home.example\r\nBcc: eve@evil.example", "ada@home.example>\r\nRCPT TO:<eve@evil.example", "a b@c", "Ada <ada@home.example>", "ädä@home.example"} {
		w.put(t, sender.Queue, message(mail.Reset, to))
	}
	mustSend(t, sender)
	if n := len(s.Mails()); n != 8 {
		t.Fatalf("%d mails came, want 8", n)
	}
	for _, m := range s.Mails() {
		if m.Header.Get("Bcc") != "" || m.To != "ada@home.example" || len(m.Header) != 8 {
			t.Errorf("to %s, headers %v", m.To, m.Header)
		}
		text, html := m.Parts(t)
		for name, got := range map[string]string{"subject": m.Subject(t), "text": strings.ReplaceAll(text, "\n", ""), "html": strings.ReplaceAll(html, "\n", "")} {
			if strings.ContainsFunc(got, func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Errorf("the %s holds what cannot be seen: %q", name, got)
			}
		}
		if strings.Contains(html, "<script") || strings.Contains(html, "<b>") || len(text) > 2000 || len(html) > 5000 || len(m.Header.Get("Subject")) > 200 {
			t.Errorf("%d and %d bytes, subject of %d:\n%s", len(text), len(html), len(m.Header.Get("Subject")), html)
		}
	}
}
