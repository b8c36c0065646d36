package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/term"

	"glassjar/utl/doctor"
)

type doctorCommand struct {
	Page             doctor.Page `arg:"" name:"url" help:"A page behind the gate, as browsers open it."`
	AppPasswordStdin bool        `help:"Read an app password from stdin, one line, and see what reaches the app with it."`
}

// Run prints the finding of each attack on the page. A hole is an error.
func (c *doctorCommand) Run(ctx context.Context, a *app) error {
	appPassword := ""
	if c.AppPasswordStdin {
		var err error
		if appPassword, err = a.appPassword(ctx); err != nil {
			return err
		}
	}
	count, change := counts{}, ""
	err := doctor.Examine(ctx, c.Page, doctor.Credential{AppPassword: appPassword}, func(f doctor.Finding) {
		count[f.Verdict]++
		fmt.Fprintf(a.Stdout, "%-8s%s: %s\n", f.Verdict, f.Attack, f.Result)
		if f.Fix != "" && f.Fix != change {
			change = f.Fix // printed once for consecutive holes with the same fix
			fmt.Fprintf(a.Stdout, "%-8s%s\n%-8s%s\n", "", f.Means, "", f.Fix)
		}
	})
	if err != nil {
		return err
	}
	if count[doctor.Fail] > 0 {
		return errors.New(count.String())
	}
	fmt.Fprintln(a.Stdout, count)
	return nil
}

// counts are the numbers of attacks by verdict.
type counts map[doctor.Verdict]int

// String returns the counts in words: 1 hole, 2 unknown, 31 passed.
func (c counts) String() string {
	all := []string{"no hole"}
	if n := c[doctor.Fail]; n > 0 {
		all[0] = plural(n, "hole")
	}
	if n := c[doctor.Unknown]; n > 0 {
		all = append(all, fmt.Sprintf("%d unknown", n))
	}
	if n := c[doctor.Remark]; n > 0 {
		all = append(all, plural(n, "remark"))
	}
	return strings.Join(append(all, fmt.Sprintf("%d passed", c[doctor.Pass])), ", ")
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// appPassword reads an app password from stdin, or asks for it on a terminal.
func (a *app) appPassword(ctx context.Context) (string, error) {
	if !term.IsTerminal(a.fd()) {
		return await(ctx, a.line)
	}
	pw, err := a.typed(ctx, "app password: ")
	if err == nil && pw == "" {
		err = errNoPassword
	}
	return pw, err
}
