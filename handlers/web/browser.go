package web

import (
	"net/http"
)

// BrowserKey names the request's browser, as far as a request can, and what it
// did.
func BrowserKey(r *http.Request, did string) string {
	return did + " " + InfoOf(r).Address.String() + " " + r.UserAgent()
}
