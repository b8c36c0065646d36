package webtest

import (
	"net/http"
	"testing"

	"glassjar/utl/account"
)

// In signs ada in at the jar and at the app at elsewhere, and returns the
// Cookie header that her browser sends to that app.
func (w *World) In(tb testing.TB) (b *Browser, cookie string) {
	tb.Helper()
	w.Add(tb, "ada", account.Member)
	b = w.SignedIn(tb, "ada")
	b.Visit(Elsewhere+"/", 5).Want(http.StatusOK)
	return b, HostCookie + "=" + b.Holds(Elsewhere, HostCookie)
}
