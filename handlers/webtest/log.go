package webtest

import (
	"net/http"
	"net/http/httptest"
)

// Ask gives the request to the site without a network, so that its log lines
// are written when the answer is there.
func (s *Site) Ask(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, req)
	return w
}
