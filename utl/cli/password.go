package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"glassjar/utl/password"
)

// maxStdin is how many bytes of stdin are read. A password that is truncated by it is still
// refused, because it is longer than a password may be.
const maxStdin = 4 * password.MaxBytes

// password returns a new password. If stdin is a terminal, it asks for it twice, without
// echo; else it reads stdin if fromStdin is true.
func (a *app) password(ctx context.Context, fromStdin bool) (string, error) {
	switch {
	case term.IsTerminal(a.fd()):
		return a.ask(ctx)
	case fromStdin:
		return await(ctx, a.line)
	}
	return "", errNoTerminal
}

func (a *app) fd() int { return int(a.Stdin.Fd()) }

// line reads stdin, which must be one line, and returns it without the line end.
func (a *app) line() (string, error) {
	text, err := io.ReadAll(io.LimitReader(a.Stdin, maxStdin))
	if err != nil {
		return "", fmt.Errorf("reading stdin: %w", err)
	}
	pw, ended := strings.CutSuffix(string(text), "\n")
	if ended {
		pw = strings.TrimSuffix(pw, "\r")
	}
	switch {
	case pw == "":
		return "", errNoPassword
	case strings.Contains(pw, "\n"):
		return "", errLines
	}
	return pw, nil
}

// ask prints the rule for passwords, and then asks for the password twice.
func (a *app) ask(ctx context.Context) (string, error) {
	a.info("A password has at least %d characters: a few words, for example. It does not show while you type.", password.MinLength)
	first, err := a.typed(ctx, "new password: ")
	if err != nil {
		return "", err
	}
	again, err := a.typed(ctx, "once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errDiffer
	}
	return first, nil
}

// typed reads a line from the terminal without echo.
func (a *app) typed(ctx context.Context, prompt string) (string, error) {
	before, err := term.GetState(a.fd())
	if err != nil {
		return "", fmt.Errorf("asking the terminal: %w", err)
	}
	fmt.Fprint(a.Stderr, prompt)
	pw, err := await(ctx, func() (string, error) {
		pw, err := term.ReadPassword(a.fd())
		return string(pw), err
	})
	a.info("") // the Enter key was not echoed either
	switch {
	case errors.Is(err, context.Canceled):
		return "", errors.Join(err, term.Restore(a.fd(), before)) // the goroutine still reads, with echo off
	case err != nil:
		return "", fmt.Errorf("reading the terminal: %w", err)
	}
	return pw, nil
}

// await returns the result of read, or an error when ctx ends: read cannot be interrupted,
// but Ctrl-C must end the program.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
