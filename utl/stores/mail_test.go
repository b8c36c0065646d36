package stores_test

import (
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
	"glassjar/utl/stores"
)

func TestMain(m *testing.M) { os.Exit(mailtest.Main(func() int { return dbtest.Main(m) })) }

// A mail's link leads to PUBLIC_URL and is good; the database has its hash alone.
// Who is gone, disabled or another by now gets none.
func TestMailedLinks(t *testing.T) {
	s := mailtest.Start(t, "smtps")
	st, _, log := open(t, "SMTP_URL="+s.URL("smtps", "localhost").String(), "MAIL_FROM=jar@site.example", "SITE_NAME=Ada's jar", "PUBLIC_URL=https://jar.example")
	by := audit.Command()
	for _, w := range []account.Wanted{
		{Username: "ada", Password: "correct horse battery", Role: account.Owner}, {Username: "bob", Password: "correct horse battery", Role: account.Member},
	} {
		if _, err := st.Accounts.Add(t.Context(), w, by); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Accounts.Disable(t.Context(), "bob", by); err != nil {
		t.Fatal(err)
	}
	ada, err := st.Accounts.Find(t.Context(), "ada")
	bob, err2 := st.Accounts.Find(t.Context(), "bob")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, m := range []mail.Message{
		{Kind: mail.Reset, AccountID: ada.ID, Username: "ada", To: "ada@site.example"},
		{Kind: mail.Reset, AccountID: "another", Username: "ada", To: "another@site.example"},
		{Kind: mail.Reset, AccountID: bob.ID, Username: "bob", To: "bob@site.example"},
		{Kind: mail.Reset, AccountID: "gone", Username: "gone", To: "gone@site.example"},
		{Kind: mail.Invitation, Detail: account.Member, To: "new@site.example"},
	} {
		if err := st.DB.Tx(t.Context(), func(tx *db.Tx) error { return st.Mail.Enqueue(t.Context(), tx, m) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Sender(st.Config.URL("")).Send(t.Context()); err != nil || log.String() != "" {
		t.Fatalf("got error %v, logged %s", err, log)
	}
	all := s.Mails()
	if len(all) != 2 || all[0].To != "ada@site.example" || all[1].To != "new@site.example" || !strings.Contains(all[0].Header.Get("From"), "Ada's jar") {
		t.Fatalf("the mails are %+v", all)
	}
	for i, kind := range []string{account.Reset, account.Join} {
		code := regexp.MustCompile(`https://jar\.example/` + kind + `/([A-Z2-7]{26})`).FindStringSubmatch(string(all[i].Raw))
		if code == nil {
			t.Fatalf("no link in\n%s", all[i].Raw)
		}
		if l, err := st.Accounts.Link(t.Context(), kind, code[1]); err != nil || l.Username != all[0].To[:3] && kind == account.Reset {
			t.Errorf("the link is %+v, error %v", l, err)
		}
		if n, err := db.One(t.Context(), st.DB, db.Int, `SELECT (SELECT COUNT(*) FROM links WHERE code_hash = ?1) +
			(SELECT COUNT(*) FROM mails WHERE params LIKE '%' || ?1 || '%')`, code[1]); n != 0 || err != nil {
			t.Errorf("the code is in %d rows, error %v", n, err)
		}
	}
	if n, err := db.One(t.Context(), st.DB, db.Int, `SELECT COUNT(*) FROM mails WHERE sent_at = 0`); n != 0 || err != nil {
		t.Errorf("%d mails wait, error %v", n, err)
	}
}

// A notice needs a link of its own, which nothing makes yet: it waits.
func TestMailWithoutALink(t *testing.T) {
	s := mailtest.Start(t, "smtps")
	st, _, log := open(t, "SMTP_URL="+s.URL("smtps", "localhost").String(), "MAIL_FROM=jar@site.example")
	m := mail.Message{Kind: mail.NewBrowser, AccountID: "id", Username: "ada", To: "ada@site.example"}
	if err := st.DB.Tx(t.Context(), func(tx *db.Tx) error { return st.Mail.Enqueue(t.Context(), tx, m) }); err != nil {
		t.Fatal(err)
	}
	if err := st.Sender(&url.URL{Scheme: "http", Host: "localhost"}).Send(t.Context()); err != nil || len(s.Mails()) != 0 || !strings.Contains(log.String(), "no link goes with") {
		t.Errorf("got error %v, %d mails, logged %s", err, len(s.Mails()), log)
	}
}

func TestMailServer(t *testing.T) {
	st, _, _ := open(t)
	if _, ok := stores.MailServer(st.Config, st.Config.URL("localhost:1"), time.Now); ok || st.Mail.On {
		t.Error("without SMTP_URL there is mail")
	}
}
