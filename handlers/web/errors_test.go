package web_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
)

// The text of an error that the operator can correct names the setting.
func TestErrorsOfOperatorsNameTheSetting(t *testing.T) {
	stranger := webtest.New(t, webtest.WithGate, func(c *handlers.Config) { c.TrustedProxies = nil }).Browser(t)
	trusted := webtest.New(t, webtest.WithGate).Browser(t)
	for _, row := range []struct {
		from     *webtest.Browser
		target   string
		status   int
		title    string
		sentence string
	}{
		{stranger, "http://wiki.example/", http.StatusBadRequest, "Proxy not trusted", "add the proxy's address, which the log names, to TRUSTED_PROXIES"},
		{trusted, "http://other.example/", http.StatusForbidden, "Host not listed", "add it as an app or to GATE_HOSTS"},
		{trusted, "http://", http.StatusBadRequest, "Bad request", "set the proxy up as the recipe for it says"},
	} {
		got := row.from.Get("/gate/forward", webtest.Asked(row.target, "Sec-Fetch-Mode", "navigate")...).Want(row.status).Says("h1", row.title)
		if text := got.Find("main").Text(); !strings.Contains(text, row.sentence) {
			t.Errorf("%s: %q does not say: %s", row.target, text, row.sentence)
		}
	}
}
