package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"glassjar/utl/account"
	"glassjar/utl/keyring"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

var (
	errNoTerminal = errors.New("stdin is no terminal")
	errNoPassword = errors.New("no password came")
	errLines      = errors.New("more than one line came")
	errDiffer     = errors.New("the two passwords differ")
	errNoPort     = errors.New("the port is not known")
)

// answers is the one place where an error gets its sentence, with the mend
// where there is one. The first match wins; other errors speak for themselves.
var answers = []struct {
	err      error
	sentence string
}{
	{errNoTerminal, "there is no terminal to ask for a password: give it on stdin, with --password-stdin"},
	{errNoPassword, "no password was given"},
	{errLines, "more than one line came on stdin: give the password alone"},
	{errDiffer, "the two passwords differ: nothing was changed"},
	{errNoPort, "the port in ADDR is 0, so nobody knows where the link leads: set PUBLIC_URL"},
	{context.Canceled, "given up"},
	{account.ErrName, "a username is 1 to 32 of a to z, 0 to 9 and . _ - and starts with a letter or a digit"},
	{account.ErrTaken, "another account has this username: glassjar user list"},
	{account.ErrUnknown, "there is no such account: glassjar user list"},
	{account.ErrDisabled, "the account is disabled, so the link would not work: glassjar user enable NAME"},
	{account.ErrLastOwner, "this is the last owner who can sign in: first make another, glassjar user add NAME --role owner"},
	{session.ErrChanged, "the account was changed at the same moment: try again"},
	{password.ErrShort, fmt.Sprintf("the password is too short: at least %d characters, a few words for example", password.MinBytes)},
	{password.ErrLong, fmt.Sprintf("the password is too long: at most %d bytes", password.MaxBytes)},
	{password.ErrNotUTF8, "the password is not valid UTF-8"},
	{password.ErrCharacters, "the password holds a character that cannot be typed everywhere, such as a control character"},
	{password.ErrCommon, "the password is among the first that people try: take another"},
	{password.ErrHasName, "the password holds the username: take another"},
	{keyring.ErrNoKeys, "there is no session key yet: glassjar makes one when it starts"},
}

// report says on w what went wrong, one line a fault, and returns the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	code, said := 1, err.Error()
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok {
		code, said = 2, misuse(wrong)+" (see: glassjar help)"
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			said = a.sentence
			break
		}
	}
	for line := range strings.SplitSeq(said, "\n") {
		fmt.Fprintf(w, "glassjar: %s\n", line)
	}
	return code
}

// misuse returns what kong says of wrong usage, without the words that may be a
// password: somebody tried it as an argument.
func misuse(wrong *kong.ParseError) string {
	said, _, _ := strings.Cut(wrong.Error(), " but got ")
	command := wrong.Context.Selected()
	if command != nil && command.Leaf() && strings.HasPrefix(said, "unexpected argument") {
		return "too many arguments: glassjar " + command.Summary()
	}
	return said
}
