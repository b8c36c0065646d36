package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
)

// Greet says on stdout where to open the browser and, while there is no account,
// prints the link that makes the owner: it is a secret, and no line of the log.
// Where no owner can sign in, it says what to do.
func Greet(ctx context.Context, st *Stores, public *url.URL, stdout io.Writer) error {
	code, err := st.Accounts.NewFirst(ctx)
	if err != nil {
		return err
	}
	missing, err := st.Accounts.OwnerMissing(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "glassjar is at %s\n", public)
	if code != "" {
		fmt.Fprintf(stdout, "make the owner's account within 24 hours at %s\n", public.JoinPath("join", code))
	}
	if missing {
		fmt.Fprintln(stdout, "no owner can sign in, so nobody can manage people: glassjar user add NAME --role owner, or glassjar user enable NAME")
	}
	return nil
}
