package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"glassjar/utl/account"
)

// Greet prints the site's URL on stdout and, while there is no account, the link with which
// the owner creates one: it is a secret, so it is not logged. It also prints what to do if
// no owner can sign in, and what strangers can open with SIGNUP=open.
func Greet(ctx context.Context, st *Stores, public *url.URL, stdout io.Writer) error {
	var made *account.MadeError
	code, err := st.Accounts.NewFirst(ctx)
	if err != nil && !errors.As(err, &made) {
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
	if made != nil {
		fmt.Fprintf(stdout, "another start made the link for the owner's account %.0f seconds ago, and printed it: glassjar link join --role owner makes one more\n", made.Ago.Seconds())
	}
	if st.Config.SignUp == account.ByAnybody {
		opens, err := st.OpenToStrangers(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "SIGNUP=open: every stranger can make an account, and then open %s\n", openTo(opens))
	}
	if missing {
		fmt.Fprintln(stdout, "no owner can sign in, so nobody can manage people: glassjar user add NAME --role owner, or glassjar user enable NAME")
	}
	return nil
}

// openTo formats what strangers can open.
func openTo(all []string) string {
	if len(all) == 0 {
		return "nothing yet: there is no app for everybody, and neither GATE_HOSTS nor PAGES_DIR is set"
	}
	return strings.Join(all, ", ") + ", unless the proxy asks for a group"
}
