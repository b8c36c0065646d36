package web

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// answerWriter notes the status for the log, and holds back the refusals of
// net/http, which know nothing of our look.
type answerWriter struct {
	http.ResponseWriter

	r      *http.Request
	status int
	held   error // what to answer instead
}

func (a *answerWriter) WriteHeader(status int) {
	if a.held != nil || a.status != 0 {
		return
	}
	if a.held = refused(status, a.Header()); a.held == nil {
		a.status = status
		a.ResponseWriter.WriteHeader(status)
	}
}

func (a *answerWriter) Write(b []byte) (int, error) {
	if a.held != nil {
		return io.Discard.Write(b)
	}
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// route returns the pattern that answered: a bounded word, unlike the path.
func (a *answerWriter) route() string {
	if a.r.Pattern == "" {
		return "none"
	}
	return a.r.Pattern
}

// refused returns the error that stands for an answer in the plain text of
// http.Error, which only the mux and http.ServeContent send here, or nil.
func refused(status int, h http.Header) error {
	var err error
	switch status {
	case http.StatusNotFound:
		err = ErrNotFound
	case http.StatusMethodNotAllowed:
		err = errMethod
	case http.StatusRequestedRangeNotSatisfiable:
		err = errRange
	}
	if err == nil || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		return nil
	}
	return err
}

// ids names requests, each by a word of its own: the log and the error page say
// the same one.
type ids struct {
	prefix string // of this start of the program
	n      atomic.Uint64
}

func (i *ids) next() string { return i.prefix + strconv.FormatUint(i.n.Add(1), 36) }
