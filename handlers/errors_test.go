package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
)

// What an operator can mend names the setting.
func TestErrorsOfOperatorsNameTheSetting(t *testing.T) {
	stranger := newSite(t, withGate, func(c *handlers.Config) { c.TrustedProxies = nil }).browser(t)
	trusted := newSite(t, withGate).browser(t)
	for _, row := range []struct {
		from     *browser
		target   string
		status   int
		title    string
		sentence string
	}{
		{stranger, "http://wiki.example/", http.StatusBadRequest, "Proxy not trusted", "add the proxy's address, which the log names, to TRUSTED_PROXIES"},
		{trusted, "http://other.example/", http.StatusForbidden, "Host not listed", "add it to GATE_HOSTS"},
		{trusted, "http://", http.StatusBadRequest, "Bad request", "set the proxy up as the recipe for it says"},
	} {
		got := row.from.get("/gate/forward", asked(row.target)...).want(row.status).says("h1", row.title)
		if text := got.find("main").Text(); !strings.Contains(text, row.sentence) {
			t.Errorf("%s: %q does not say: %s", row.target, text, row.sentence)
		}
	}
}
