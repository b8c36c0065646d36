package cli

import (
	"context"
	"fmt"

	"golang.org/x/term"

	"glassjar/utl/doctor"
)

type doctorCommand struct {
	Page             doctor.Page `arg:"" name:"url" help:"A page behind the gate, as browsers open it."`
	AppPasswordStdin bool        `help:"Read an app password from stdin, one line, and see what reaches the app with it."`
}

// Run prints what each attack on the page showed. A hole is an error.
func (c *doctorCommand) Run(ctx context.Context, a *app) error {
	appPassword := ""
	if c.AppPasswordStdin {
		var err error
		if appPassword, err = a.appPassword(ctx); err != nil {
			return err
		}
	}
	all, count, mend := 0, map[doctor.Verdict]int{}, ""
	err := doctor.Examine(ctx, c.Page, appPassword, func(f doctor.Finding) {
		all++
		count[f.Verdict]++
		fmt.Fprintf(a.Stdout, "%-8s%s: %s\n", f.Verdict, f.Attack, f.Came)
		if f.Mend != "" && f.Mend != mend {
			mend = f.Mend // said once for a row of holes
			fmt.Fprintf(a.Stdout, "%-8s%s\n", "", mend)
		}
	})
	if err != nil {
		return err
	}
	rest := fmt.Sprintf("(unsure: %d, remarks: %d)", count[doctor.Unsure], count[doctor.Remark])
	if n := count[doctor.Hole]; n > 0 {
		return fmt.Errorf("%d attacks, holes found: %d %s", all, n, rest)
	}
	fmt.Fprintf(a.Stdout, "%d attacks, no hole found %s\n", all, rest)
	return nil
}

// appPassword returns what comes on stdin, or what is typed.
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
