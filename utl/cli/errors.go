package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"glassjar/utl/account"
	apps "glassjar/utl/app"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/keyring"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

var (
	errNoTerminal = errors.New("stdin is no terminal")
	errNoPassword = errors.New("no password came")
	errLines      = errors.New("more than one line came")
	errNoURL      = errors.New("no URL came")
	errDiffer     = errors.New("the two passwords differ")
	errNotAudited = errors.New("recording a change of the keys")
	errNoPort     = errors.New("the port is not known")
	errNoMail     = errors.New("there is no mail server")
	errNoAddress  = errors.New("no email address")
)

// answer is the message for an error.
type answer struct {
	err      error
	sentence string
	why      bool // whether the error's own text is appended
}

// answers has the messages of errors, with what to do about them. The first match wins.
// Errors without a match are printed as they are.
var answers = []answer{
	{err: errNoTerminal, sentence: "there is no terminal to ask for a password: give it on stdin, with --password-stdin"},
	{err: errNoPassword, sentence: "no password was given"},
	{err: errNoURL, sentence: "no URL came on stdin: give it alone, as DATABASE_URL has it"},
	{err: db.ErrNotEmpty, sentence: "nothing was moved: the other database holds something already; make a new, empty one, where no glassjar has started yet"},
	{err: db.ErrOther, sentence: "nothing was moved, and nothing here was changed", why: true},
	{err: errLines, sentence: "more than one line came on stdin: give one"},
	{err: errDiffer, sentence: "the two passwords differ: nothing was changed"},
	{err: errNoPort, sentence: "the port in ADDR is 0, so nobody knows where the link leads: set PUBLIC_URL"},
	{err: errNoMail, sentence: "mail is not set up: set SMTP_URL and MAIL_FROM"},
	{err: errNoAddress, sentence: "this is no email address: give one like ada@site.example, alone"},
	{err: errNoPublicURL, sentence: "PUBLIC_URL is not set: say how browsers reach the sign-in through the proxy, like https://jar.example"},
	{err: errOwnTLS, sentence: "TLS_CERT is set, so glassjar speaks https itself: every recipe, also that of a service, is for a proxy that speaks http with it; take TLS_CERT and TLS_KEY away for one"},
	{err: context.Canceled, sentence: "given up"},
	{err: account.ErrName, sentence: account.UsernameRule},
	{err: account.ErrReserved, sentence: "this username is reserved: people would take it for the site itself, or it stands for something else"},
	{err: account.ErrNoOwner, sentence: "the owner comes first: open the link that the server printed when it started (start it again for a new one), or: glassjar user add NAME --role owner"},
	{err: factor.ErrOff, sentence: "nothing was changed: there is nothing but the password"},
	{err: account.ErrTaken, sentence: "another account has this username, or had it: glassjar user list, or glassjar user free NAME"},
	{err: account.ErrUnknown, sentence: "there is no such account: glassjar user list"},
	{err: account.ErrWaiting, sentence: "the account waits for an owner's yes: glassjar user approve NAME, or glassjar user reject NAME"},
	{err: account.ErrNotWaiting, sentence: "the account does not wait for an owner's yes"},
	{err: account.ErrDisabled, sentence: "the account is disabled, so the link would not work: glassjar user enable NAME"},
	{err: account.ErrLocked, sentence: "the account is locked, so nothing that signs its person in may change: lift that first, glassjar user unlock NAME"},
	{err: account.ErrGroup, sentence: "a group is 1 to 32 of a to z, 0 to 9 and . _ - and starts with a letter or a digit; an account is in 32 at most"},
	{err: account.ErrDisplayName, sentence: account.ErrDisplayName.Error()},
	{err: account.ErrEmail, sentence: account.ErrEmail.Error()},
	{err: account.ErrEmailTaken, sentence: account.ErrEmailTaken.Error()},
	{err: apps.ErrUnknown, sentence: "there is no such app: glassjar app list"},
	{err: apps.ErrName, sentence: apps.ErrName.Error()},
	{err: apps.ErrHost, sentence: apps.ErrHost.Error()},
	{err: apps.ErrSuffix, sentence: apps.ErrSuffix.Error()},
	{err: apps.ErrOwn, sentence: apps.ErrOwn.Error()},
	{err: apps.ErrTaken, sentence: apps.ErrTaken.Error()},
	{err: apps.ErrUpstream, sentence: apps.ErrUpstream.Error()},
	{err: apps.ErrURL, sentence: apps.ErrURL.Error()},
	{err: apps.ErrScheme, sentence: apps.ErrScheme.Error()},
	{err: apps.ErrGroups, sentence: apps.ErrGroups.Error()},
	{err: apps.ErrLevel, sentence: apps.ErrLevel.Error()},
	{err: apps.ErrPrograms, sentence: apps.ErrPrograms.Error()},
	{err: apps.ErrMany, sentence: apps.ErrMany.Error()},
	{err: account.ErrDays, sentence: account.ErrDays.Error()},
	{err: account.ErrLink, sentence: "there is no such open invitation: glassjar link list"},
	{err: account.ErrNotDeleted, sentence: account.ErrNotDeleted.Error()},
	{err: account.ErrLastOwner, sentence: "this is the last owner who can sign in: first make another, glassjar user add NAME --role owner"},
	{err: session.ErrChanged, sentence: "the account was changed at the same moment: try again"},
	{err: password.ErrShort, sentence: fmt.Sprintf("the password is too short: at least %d characters, a few words for example", password.MinLength)},
	{err: password.ErrLong, sentence: fmt.Sprintf("the password is too long: at most %d bytes", password.MaxBytes)},
	{err: password.ErrNotUTF8, sentence: "the password is not valid UTF-8"},
	{err: password.ErrCharacters, sentence: "the password contains a character that cannot be typed everywhere, such as a control character: take another"},
	{err: password.ErrFew, sentence: "the password is only a few characters, again and again: take another"}, // before ErrCommon, which it is too
	{err: password.ErrCommon, sentence: "the password is among the first that people try, or is such a word with digits and signs around it: take another"},
	{err: password.ErrHasName, sentence: "the password contains the username: take another"},
	{err: password.ErrHasSite, sentence: "the password contains the name of this site: take another"},
	{err: errNotAudited, sentence: "the keys are changed, but the audit log does not say so", why: true},
	{err: db.ErrUnavailable, sentence: "the database cannot be used, and nothing in it was changed", why: true},
	{err: keyring.ErrNoKeys, sentence: "there is no session key yet: glassjar makes one when it starts"},
}

// report prints the error on w, one fault per line, and returns the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	code, said := 1, err.Error()
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok {
		code, said = 2, usageError(wrong)+" (see: glassjar help)"
	}
	if listening, ok := notListening(err); ok {
		said = listening
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			said = a.say(err)
			break
		}
	}
	for line := range strings.SplitSeq(said, "\n") {
		fmt.Fprintf(w, "glassjar: %s\n", line)
	}
	return code
}

func (a answer) say(err error) string {
	if a.why {
		return fmt.Sprintf("%s (%v)", a.sentence, err)
	}
	return a.sentence
}

// usageError returns kong's message about wrong usage without the values, which may be a
// password that somebody gave as an argument.
func usageError(wrong *kong.ParseError) string {
	said, _, _ := strings.Cut(wrong.Error(), " but got ")
	said = strings.ReplaceAll(said, "expected a valid 64 bit int", "expected a whole number")
	command := wrong.Context.Selected()
	if command != nil && command.Leaf() && strings.HasPrefix(said, "unexpected argument") {
		return "too many arguments: glassjar " + command.Summary()
	}
	return said
}

// notListening returns the message for a server that could not listen, and reports whether
// err is that error.
func notListening(err error) (said string, ok bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "listen" {
		return "", false
	}
	where := "ADDR"
	if op.Addr != nil {
		where = op.Addr.String()
	}
	switch {
	case op.Net == "unix":
		return notAtSocket(where, err), true
	case errors.Is(err, syscall.EADDRINUSE):
		return where + " is in use: stop the program that listens there, or set ADDR to another", true
	case errors.Is(err, syscall.EACCES):
		return "this user may not listen at " + where + ": set ADDR to a port above 1023", true
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return where + " is no address of this machine: set ADDR to one that is, such as 127.0.0.1:8080", true
	}
	return fmt.Sprintf("ADDR cannot be listened at: set it to an address of this machine, such as 127.0.0.1:8080 (%v)", err), true
}

// notAtSocket returns the message for a server that could not create its Unix socket.
func notAtSocket(path string, err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return path + " is in use: stop the program that listens there, take the file away if it is no socket, or set ADDR to another"
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("the socket's folder is missing: mkdir %s, or set ADDR to another place", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("this user may not make a socket in %s: set ADDR to another place", filepath.Dir(path))
	}
	return fmt.Sprintf("ADDR cannot be listened at (%v)", err)
}
