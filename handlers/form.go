package handlers

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// readForm returns the body's form values; the URL's args are none of them.
// Each named field may come once, as valid UTF-8 without NUL. Errors: errForm,
// errFormType, errFormSize.
func readForm(r *http.Request, fields ...string) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, errFormType
	}
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, errFormSize
		}
		return nil, fmt.Errorf("%w: %w", errForm, err)
	}
	visitOf(r).form = r.PostForm
	return r.PostForm, check(r.PostForm, fields)
}

// readArgs returns the args in the URL's query. Errors: errForm.
func readArgs(r *http.Request, fields ...string) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	args, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errForm, err)
	}
	return args, check(args, fields)
}

func check(values url.Values, fields []string) error {
	for _, f := range fields {
		all := values[f]
		if len(all) > 1 {
			return fmt.Errorf("%w: %s comes %d times", errForm, f, len(all))
		}
		for _, v := range all {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return fmt.Errorf("%w: %s is not text", errForm, f)
			}
		}
	}
	return nil
}
