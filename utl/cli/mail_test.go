package cli_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/cli"
	"glassjar/utl/config"
	"glassjar/utl/mail/mailtest"
)

// The command prints that the mail server accepted the mail, or why it did not.
func TestMailTest(t *testing.T) {
	s := mailtest.Start(t, "smtp")
	at := s.URL("smtp", "127.0.0.1").String()
	settings := map[string]string{"SMTP_URL": at, "MAIL_FROM": "jar@site.example", "SITE_NAME": "Ada's jar"}
	run := func() (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = cli.Run(context.Background(), []string{"mail", "test", "ada@site.example"}, cli.Env{
			Stdout: &out, Stderr: &errs, Now: time.Now,
			Config: func() (config.Config, error) {
				return config.Load(filepath.Join(t.TempDir(), ".env"), func(name string) string { return settings[name] })
			},
		})
		return code, out.String(), errs.String()
	}
	if code, out, errs := run(); code != 0 || out != at+" has the mail to ada@site.example\n" || errs != "" {
		t.Errorf("got exit code %d, %q and %q", code, out, errs)
	}
	if all := s.Mails(); len(all) != 1 || all[0].To != "ada@site.example" || !strings.Contains(all[0].Header.Get("Subject"), "Mail from Ada's jar works") {
		t.Errorf("the mails are %+v", all)
	}
	s.Stop()
	if code, out, errs := run(); code != 1 || out != "" || !strings.Contains(errs, "glassjar: the mail was not sent by "+at+": ") {
		t.Errorf("got exit code %d, %q and %q", code, out, errs)
	}
}
