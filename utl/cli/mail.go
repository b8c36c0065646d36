package cli

import (
	"context"
	"fmt"

	"glassjar/utl/hosts"
	"glassjar/utl/stores"
)

type mailCommands struct {
	Test mailTest `cmd:"" help:"Send a mail to the address, or say why the mail server refuses it."`
}

type mailTest struct {
	Address string `arg:"" help:"Where the mail goes to."`
}

// Run sends a test mail. It needs only the settings, no database.
func (c *mailTest) Run(ctx context.Context, a *app) error {
	if !hosts.IsMail(c.Address) {
		return errNoAddress
	}
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	server, ok := stores.MailServer(cfg, cfg.URL(cfg.Addr), a.Now)
	if !ok {
		for _, text := range cfg.Warnings { // one of them may be the cause
			a.info("%s", text)
		}
		return errNoMail
	}
	if err := server.Test(ctx, c.Address); err != nil {
		return fmt.Errorf("the mail was not sent by %s: %w", cfg.SMTPURL, err)
	}
	fmt.Fprintf(a.Stdout, "%s has the mail to %s\n", cfg.SMTPURL, c.Address)
	return nil
}
