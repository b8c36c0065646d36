package forward_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
)

// A proxy that cannot remove single cookies gets the app's cookies from the response to
// /gate/forward, without glassjar's, or none.
func TestForwardHandsOverTheAppsCookies(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, gate := w.In(t)
	for sent, want := range map[string]string{
		gate:                           "",
		"a=b; " + gate + ";\tc=d ; e":  "a=b; c=d; e",
		gate + `; a="b c"; glassjar`:   `a="b c"`,
		"aglassjar=b; " + gate:         "aglassjar=b",
		"__Host-a=glassjar; " + gate:   "__Host-a=glassjar",
		gate + "; __Host-glassjar=x":   "",
		"__Secure-glassjar=x; " + gate: "",
		"glassjar-device=x; " + gate + "; glassjar-gate-next=" + strings.Repeat("x", 100): "",
	} {
		got := w.Ask(t, "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "Cookie", sent)).Want(http.StatusOK)
		got.WantHeader("Cookie", want)
		w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", sent)).Want(http.StatusOK).WantHeader("Cookie", "")
	}
	w.Ask(t, "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "Cookie", "a=b")).Want(http.StatusUnauthorized).WantHeader("Cookie", "")
}
