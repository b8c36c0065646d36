package doctor_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"glassjar/utl/doctor"
)

func TestOpenPage(t *testing.T) {
	found, err := examine(t, serve(t, passes("GET ")), "")
	if err != nil || len(found) != 1 || found[0].Verdict != doctor.Fail || !strings.Contains(found[0].Means, "The page is open") {
		t.Errorf("got %q, %v; want the hole and nothing more", found, err)
	}
}

// A site that does not respond as one behind a gate is not examined.
func TestUntested(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, tt := range []struct {
		name string
		page doctor.Page
		why  string
	}{
		{"nobody listens", page(t, closed.URL), "tested: dial tcp 127.0.0.1:"},
		{"a certificate that nobody knows", page(t, secure.URL), "certificate"},
		{"the proxy has lost its gate", serve(t, always(respond(502, "", ""))), "the page answers 502"},
		{"a page that is not there", serve(t, always(respond(404, "", ""))), "the page answers 404"},
		{"another redirect", serve(t, always(respond(301, "Location: /else\r\n", ""))), "the page answers 301"},
		{"a gate that knows the page as another", serve(t, always(redirect(302, signIn, "https://\x1bapp.example/"))), "(next=https://app.example/)"},
		{"a header of control bytes", serve(t, always("HTTP/1.1 302 -\r\n\x1b[2J\r\n\r\n")), "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := examine(t, tt.page, "")
			if err == nil || len(found) != 0 || !strings.HasPrefix(err.Error(), "nothing was tested: ") || !strings.Contains(err.Error(), tt.why) {
				t.Fatalf("got %q, %v; want nothing tested: %s", found, err, tt.why)
			}
			if strings.Contains(err.Error(), "\x1b") {
				t.Errorf("a control byte: %q", err)
			}
		})
	}
}

// The host where people sign in is open to everybody, which is not a hole.
func TestSignInHost(t *testing.T) {
	for _, answer := range []string{respond(200, "", "hello"), respond(404, "", ""), redirect(303, "/", "/account")} {
		found, err := examine(t, serve(t, func(q request) string {
			if q.RequestURI == "/" {
				return respond(200, "", `<form method="post" action="/auth">`)
			}
			return answer
		}), "")
		if err == nil || len(found) != 0 || !strings.Contains(err.Error(), "people sign in at this host") {
			t.Errorf("got %q, %v; want that people sign in there", found, err)
		}
	}
}

// localhost and names below it are resolved without DNS, as in browsers.
func TestLocalhost(t *testing.T) {
	address := serve(t, noFlaw).String()
	for _, host := range []string{"localhost", "app.localhost", "a.b.localhost.", "APP.LOCALHOST"} {
		found, err := examine(t, page(t, strings.Replace(address, "127.0.0.1", host, 1)), "")
		if err != nil || len(found) == 0 || found[0].Verdict != doctor.Pass {
			t.Errorf("%s: got %q, %v", host, found, err)
		}
	}
}
