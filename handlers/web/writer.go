package web

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// answerWriter remembers the status for the log, and intercepts the plain-text errors of
// net/http, which serve replaces by pages.
type answerWriter struct {
	http.ResponseWriter

	r           *http.Request
	status      int
	intercepted error // the error to respond to instead
}

// WriteHeader sends the status, unless the response is one to replace by a page: then it
// stores the error to respond to instead.
func (a *answerWriter) WriteHeader(status int) {
	if a.intercepted != nil || a.status != 0 {
		return
	}
	if a.intercepted = plainError(status, a.Header()); a.intercepted == nil {
		a.status = status
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write writes a part of the body, or discards it if the response is to be replaced.
func (a *answerWriter) Write(b []byte) (int, error) {
	if a.intercepted != nil {
		return io.Discard.Write(b)
	}
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// route returns the pattern of the route that responded. Unlike the path, it has a limited
// number of values.
func (a *answerWriter) route() string {
	if a.r.Pattern == "" {
		return "none"
	}
	return a.r.Pattern
}

// plainError returns the error for a plain-text response of http.Error, which only the mux
// and http.ServeContent send, or nil for any other response.
func plainError(status int, h http.Header) error {
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

// ids generates request ids, which the log has.
type ids struct {
	prefix string // random, per start of the program
	n      atomic.Uint64
}

func (i *ids) next() string { return i.prefix + strconv.FormatUint(i.n.Add(1), 36) }
