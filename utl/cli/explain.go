package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"glassjar/utl/gate"
)

var errWholeURL = errors.New("give the whole URL, such as https://app.example/path")

type explainCommand struct {
	URL    string `arg:"" help:"The page's, such as https://app.example/path."`
	As     string `help:"The username of who opens it; without one, somebody who is signed out." placeholder:"NAME"`
	Method string `default:"GET" help:"GET (the default), POST or another." placeholder:"METHOD"`
	Level  int    `default:"1" enum:"1,2" help:"Of the session: 1 (the default), or 2 after two factors or a passkey." placeholder:"LEVEL"`
}

// Validate refuses what is no URL; about another odd one the gate has an answer.
func (c *explainCommand) Validate() error {
	scheme, rest, _ := strings.Cut(c.URL, "://")
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return errWholeURL
	}
	c.URL = scheme + "://" + rest
	return nil
}

// Run prints the gate's decision and its reasons, in the order of the checks.
func (c *explainCommand) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		public, err := publicURL(st.Config)
		if err != nil {
			return err
		}
		if err := st.Apps.Load(ctx); err != nil {
			return err
		}
		signers, err := st.Signers(public)
		if err != nil {
			return err
		}
		p, err := subject(ctx, st, c.As, c.Level)
		if err != nil {
			return err
		}
		demanded := 1
		if st.Config.SecondFactor == "required" {
			demanded = 2
		}
		q, v := signers.Gate.DecideAs(c.URL, strings.ToUpper(c.Method), demanded, p)
		for _, line := range gate.Explain(q, v) {
			mark := "ok  "
			if !line.Holds {
				mark = "STOP"
			}
			fmt.Fprintln(a.Stdout, mark, printable(line.Text))
		}
		return nil
	})
}

// subject returns the gate's Subject for a signed-in session of the account. It is zero for
// an empty name.
func subject(ctx context.Context, st *Stores, name string, level int) (p gate.Subject, err error) {
	if name == "" {
		return p, nil
	}
	found, err := st.Accounts.Find(ctx, name)
	return gate.Subject{Identity: found.Identity, Disabled: found.Disabled, How: gate.SignedIn{Level: level}}, err
}
