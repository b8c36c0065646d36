package web

import (
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/password"
)

// RerenderForm calls show, which shows the form again, with the text and the status for the
// error, if the person can correct the error or try again. It returns other errors.
func (s *Site) RerenderForm(w http.ResponseWriter, r *http.Request, err error, show func(problem string, status int) error) error {
	for _, m := range s.mistakes {
		if errors.Is(err, m.Err) {
			return show(m.Text, http.StatusUnprocessableEntity)
		}
	}
	if soon, ok := errors.AsType[authn.TooSoonError](err); ok {
		setRetryAfter(w, soon)
		return show(tooSoon(soon.Seconds()), http.StatusTooManyRequests)
	}
	if a := s.answerTo(err); a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
		s.Log.LogAttrs(r.Context(), slog.LevelWarn, "form rejected: try again later", slog.String("id", InfoOf(r).id), slog.String("error", OneLine(err.Error(), 512)))
		return show(a.Text, a.Status)
	}
	return err
}

func setRetryAfter(w http.ResponseWriter, soon authn.TooSoonError) {
	w.Header().Set("Retry-After", strconv.Itoa(soon.Seconds()))
}

// tooSoon returns a text that says how long to wait. Failures cause waits of ten minutes at
// most, but not in a known browser; only sign-ins that succeeded cause longer ones, there too.
func tooSoon(seconds int) string {
	if seconds <= 60 {
		return fmt.Sprintf("Too many sign-ins. Wait %d s, then try again.", seconds)
	}
	text := fmt.Sprintf("Too many sign-ins. Wait %d minutes, then try again.", (seconds+59)/60)
	if seconds <= 600 {
		text += " A browser in which you signed in before may not have to wait."
	}
	return text
}

// UsernameRule is account.UsernameRule as a sentence.
var UsernameRule = "A" + account.UsernameRule[1:] + "."

// Mistake is an error that a person can correct in the form, and its text.
type Mistake struct {
	Err  error
	Text string
}

// sharedMistakes are mistakes about usernames, profiles and passwords.
var sharedMistakes = []Mistake{
	{account.ErrName, UsernameRule},
	{account.ErrReserved, "That username is reserved. Choose another."},
	{account.ErrLastOwner, "This is the last owner who can sign in. Make somebody else an owner first."},
	{account.ErrDisplayName, "A name is at most 64 characters on one line."},
	{account.ErrEmail, "That is no email address: write one like ada@site.example."},
	{account.ErrLocked, lockedText},
	{account.ErrOwnLock, "Nobody lifts the lock of their own account: another owner can, or a command on the server."},
	{account.ErrNoEmail, "Type your email address: the link that makes the account is mailed there."},
	{account.ErrEmailTaken, "That email address is confirmed as another account's."},
	{account.ErrTaken, "That username is taken. Choose another."},
	{password.ErrShort, "That password is too short: it must have at least 15 characters."},
	{password.ErrLong, "That password is too long: it may have at most 1,024 bytes."},
	{password.ErrCharacters, "That password contains a character that cannot be used. Choose another."},
	{password.ErrFew, "That password is only a few characters, again and again. Choose another."}, // before ErrCommon, which it is too
	{password.ErrCommon, "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
	{password.ErrHasName, "That password contains your username. Choose another."},
	{password.ErrHasSite, "That password contains the name of this site. Choose another."},
	{account.ErrSignIn, "The current password is not right."},
}

// ReadForm returns the form values in the body, without the args in the URL. Each of the
// fields may appear at most once, as valid UTF-8 without NUL. Errors: ErrForm, errFormType,
// errFormSize.
func ReadForm(r *http.Request, fields ...string) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, errFormType
	}
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, errFormSize
		}
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	InfoOf(r).form = r.PostForm
	return r.PostForm, check(r.PostForm, fields)
}

// ReadArgs returns the args in the URL's query. Each of the fields may appear at most once,
// as valid UTF-8 without NUL. Errors: ErrForm.
func ReadArgs(r *http.Request, fields ...string) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	args, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return args, check(args, fields)
}

// TypedList splits a typed list at spaces and commas.
func TypedList(typed string) []string {
	return strings.FieldsFunc(typed, func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
}

// check returns ErrForm if a field appears twice or is not valid UTF-8 without NUL.
func check(values url.Values, fields []string) error {
	for _, f := range fields {
		all := values[f]
		if len(all) > 1 {
			return fmt.Errorf("%w: %s comes %d times", ErrForm, f, len(all))
		}
		for _, v := range all {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return fmt.Errorf("%w: %s is not text", ErrForm, f)
			}
		}
	}
	return nil
}
