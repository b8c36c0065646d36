package stores_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/mail/mailtest"
	"glassjar/utl/stores"
)

func TestMain(m *testing.M) { os.Exit(mailtest.Main(func() int { return dbtest.Main(m) })) }

// The link in a mail begins with PUBLIC_URL and works; the database has only its hash.
func TestMailedLinks(t *testing.T) {
	s := mailtest.Start(t, "smtps")
	st, _, log := open(t, "SMTP_URL="+s.URL("smtps", "localhost").String(), "MAIL_FROM=jar@site.example", "SITE_NAME=Ada's jar", "PUBLIC_URL=https://jar.example")
	by := audit.Command()
	if _, err := st.Accounts.Add(t.Context(), account.NewAccount{Username: "ada", Password: "correct horse battery", Role: account.Owner}, by); err != nil {
		t.Fatal(err)
	}
	if err := st.Accounts.SetEmail(t.Context(), "ada", "ada@site.example", true, by); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Accounts.NewReset(t.Context(), "ada", by); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Accounts.NewInvitation(t.Context(), account.Invitation{Role: account.Member, Email: "new@site.example"}, by); err != nil {
		t.Fatal(err)
	}
	if err := st.Sender(st.Config.URL("")).Send(t.Context()); err != nil || log.String() != "" {
		t.Fatalf("got error %v, logged %s", err, log)
	}
	all := s.Mails()
	if len(all) != 2 || all[0].To != "ada@site.example" || all[1].To != "new@site.example" || !strings.Contains(all[0].Header.Get("From"), "Ada's jar") {
		t.Fatalf("the mails are %+v", all)
	}
	for i, kind := range []string{account.Reset, account.Join} {
		code := strings.TrimPrefix(all[i].Link(t), "/"+kind+"/")
		if text, _ := all[i].Parts(t); !strings.Contains(text, "https://jar.example/"+kind+"/"+code+"\n") {
			t.Fatalf("no link in\n%s", text)
		}
		if l, err := st.Accounts.Link(t.Context(), kind, code); err != nil || l.Username != all[0].To[:3] && kind == account.Reset {
			t.Errorf("the link is %+v, error %v", l, err)
		}
		if n, err := db.One(t.Context(), st.DB, db.Int, `SELECT (SELECT COUNT(*) FROM links WHERE code_hash = ?1 OR mail_hash = ?1) +
			(SELECT COUNT(*) FROM mails WHERE params LIKE '%' || ?1 || '%')`, code); n != 0 || err != nil {
			t.Errorf("the code is in %d rows, error %v", n, err)
		}
	}
	if n, err := db.One(t.Context(), st.DB, db.Int, `SELECT COUNT(*) FROM mails WHERE sent_at = 0`); n != 0 || err != nil {
		t.Errorf("%d mails wait, error %v", n, err)
	}
}

func TestMailServer(t *testing.T) {
	st, _, _ := open(t)
	if _, ok := stores.MailServer(st.Config, st.Config.URL("localhost:1"), time.Now); ok || st.Mail.Works() {
		t.Error("without SMTP_URL there is mail")
	}
}
