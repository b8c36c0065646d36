package webtest

import (
	"net/http"
)

// Fail fails n sign-ins as username.
func (b *Browser) Fail(n int, username string) {
	b.T.Helper()
	for range n {
		b.SignIn(username, Other).Want(http.StatusUnprocessableEntity)
	}
}
