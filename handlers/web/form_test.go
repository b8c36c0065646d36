package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

const urlencoded = "application/x-www-form-urlencoded"

// fits is a form that signs ada in.
var fits = "username=ada&password=" + strings.ReplaceAll(webtest.Good, " ", "+")

// forms are those that are read, and then those that are refused with a status; kind is
// the Content-Type.
var forms = []struct {
	name, kind, query, body string
	want                    int
}{
	{"with a charset", urlencoded + "; charset=utf-8", "", fits, http.StatusSeeOther},
	{"in capitals", "Application/X-WWW-Form-Urlencoded", "", fits, http.StatusSeeOther},
	{"of 64 KB", urlencoded, "", fits + "&x=" + strings.Repeat("x", 64<<10-len(fits)-3), http.StatusSeeOther},
	{"with 10,000 fields", urlencoded, "", fits + strings.Repeat("&a", 9_998), http.StatusSeeOther},
	{"with a field that nobody asks for, twice", urlencoded, "", fits + "&x=1&x=2", http.StatusSeeOther},

	{"no type", "", "", fits, http.StatusUnsupportedMediaType},
	{"a type that is none", ";;", "", fits, http.StatusUnsupportedMediaType},
	{"multipart", "multipart/form-data; boundary=x", "", "--x\r\n\r\n--x--", http.StatusUnsupportedMediaType},
	{"plain text", "text/plain", "", fits, http.StatusUnsupportedMediaType},
	{"JSON", "application/json", "", `{"username":"ada"}`, http.StatusUnsupportedMediaType},
	{"one byte over 64 KB", urlencoded, "", fits + "&x=" + strings.Repeat("x", 64<<10-len(fits)-2), http.StatusRequestEntityTooLarge},
	{"10 MB", urlencoded, "", strings.Repeat("x", 10<<20), http.StatusRequestEntityTooLarge},
	{"10,001 fields", urlencoded, "", fits + strings.Repeat("&a", 9_999), http.StatusBadRequest},
	{"a username twice", urlencoded, "", fits + "&username=ada", http.StatusBadRequest},
	{"a password twice", urlencoded, "", fits + "&password=x", http.StatusBadRequest},
	{"next twice", urlencoded, "", fits + "&next=/a&next=/b", http.StatusBadRequest},
	{"NUL in the username", urlencoded, "", "username=ada%00&password=x", http.StatusBadRequest},
	{"NUL in the password", urlencoded, "", "username=ada&password=x%00", http.StatusBadRequest},
	{"bad UTF-8 in the username", urlencoded, "", "username=%ff&password=x", http.StatusBadRequest},
	{"bad UTF-8 in the password", urlencoded, "", "username=ada&password=%c3%28", http.StatusBadRequest},
	{"a surrogate in next", urlencoded, "", fits + "&next=%ed%a0%80", http.StatusBadRequest},
	{"a broken escape", urlencoded, "", fits + "&x=%zz", http.StatusBadRequest},
	{"a semicolon", urlencoded, "", "username=ada;password=x", http.StatusBadRequest},
	{"a semicolon in the query", urlencoded, "?a;b", fits, http.StatusBadRequest},
	{"a broken escape in the query", urlencoded, "?a=%zz", fits, http.StatusBadRequest},
}

// Attack http/forms: a malformed form is refused, and nothing changes.
func TestAFormThatCannotBeRead(t *testing.T) {
	for _, row := range forms {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t)
			s.Add(t, "ada", account.Owner)
			before := s.State(t)
			got := s.Browser(t).Send("/auth"+row.query, row.body, "Content-Type", row.kind).Want(row.want)
			if row.want == http.StatusSeeOther {
				return
			}
			if s.State(t) != before || len(got.Cookies()) > 0 {
				t.Error("it was refused, yet something changed")
			}
			got.WantPage()
			delete(got.Header, "Connection") // set for a body that is too large; see the next test
			got.WantHeaders(webtest.HeadersOf{})
		})
	}
}

// Attack http/forms: a body over the limit is not read to its end, and its connection is
// closed.
func TestABodyOverTheLimitClosesItsConnection(t *testing.T) {
	s := webtest.New(t)
	got := s.Browser(t).Send("/auth", strings.Repeat("x", 64<<10+1)).Want(http.StatusRequestEntityTooLarge)
	if !got.Close {
		t.Error("the connection stays open")
	}
	got.Says("h1", "Too large")
}

// Every form refuses the same malformed input, before anything else is checked.
func TestEveryFormIsReadWithTheSameCare(t *testing.T) {
	s := webtest.New(t, webtest.WithGate)
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	for path, field := range map[string]string{
		"/auth": "username", s.Link(t, account.Member): "password", s.Link(t, "bob"): "password", "/account/password": "current", "/account/app-passwords": "hosts",
	} {
		for body, want := range map[string]int{
			field + "=%ff":                   http.StatusBadRequest,
			field + "=%00":                   http.StatusBadRequest,
			field + "=a&" + field + "=b":     http.StatusBadRequest,
			strings.Repeat("&x", 10_001):     http.StatusBadRequest,
			strings.Repeat("x", 64<<10+1):    http.StatusRequestEntityTooLarge,
			field + "=" + string(rune(0xFF)): http.StatusUnprocessableEntity, // valid text, though not a valid value
		} {
			b.Send(path, body).Want(want)
		}
		b.Send(path, field+"=x", "Content-Type", "multipart/form-data; boundary=x").Want(http.StatusUnsupportedMediaType)
	}
}

// Attack http/forms: malformed args of a page are refused too.
func TestArgsThatCannotBeRead(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	for _, query := range []string{"a;b", "next=%zz", "next=/a&next=/b", "next=%00", "next=%ff", strings.Repeat("a&", 10_001)[:14_000]} {
		want := http.StatusBadRequest
		if strings.HasPrefix(query, "a&") {
			want = http.StatusOK // fewer than 10,000 fit into the headers
		}
		s.Browser(t).Get("/auth?" + query).Want(want)
		s.Browser(t).Get("/?" + query).Want(want)
		if want == http.StatusBadRequest {
			b.Get("/auth?" + query).Want(want)
		}
	}
	b.Get("/account?done=a&done=b").Want(http.StatusBadRequest)
	b.Get("/account?done=elsewhere").Want(http.StatusOK).Says("[role=status]", "")
}

// Args are in the URL and form values in the body, and neither is read as the other.
func TestArgsAndFormValuesAreNotMixed(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Browser(t).Send("/auth?"+webtest.Form("username", "ada", "password", webtest.Good), "").Want(http.StatusUnprocessableEntity)
	s.Browser(t).Send("/auth?"+webtest.Form("username", "ada", "password", webtest.Good, "next", "/account"), webtest.Form("username", "ada", "password", webtest.Other)).
		Want(http.StatusUnprocessableEntity)
	got := s.Browser(t).Send("/auth?next=%2Fjoin", webtest.Form("username", "ada", "password", webtest.Good, "next", "/account"))
	got.Want(http.StatusSeeOther, "/account")

	b := s.Browser(t)
	req := b.Request(http.MethodGet, "/auth?username=bob", webtest.Form("username", "ada", "next", "/account"), "Content-Type", "application/x-www-form-urlencoded")
	page := b.Exchange(req).Want(http.StatusOK)
	if name := page.Find("#username").AttrOr("value", ""); name != "bob" || page.Find("[name=next]").Length() > 0 {
		t.Errorf("the form has the name %q and %d × next, want bob and none", name, page.Find("[name=next]").Length())
	}
}

// Attack browser/script: what people type is shown as text, never as HTML.
func TestWhatIsTypedComesBackAsText(t *testing.T) {
	for _, typed := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`,
		`{{.Cookie}}`, "\u202e\u2066a\u2069bc\ufeff", "ö", strings.Repeat("x", 30_000), "\r\nSet-Cookie: a=b", "</title><script>",
	} {
		t.Run(fmt.Sprintf("%.20q", typed), func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t)
			s.Add(t, "bob", account.Member)
			as := func(where string, got *webtest.Answer) {
				got.WantPage()
				if kept := got.Find("#username").AttrOr("value", ""); kept != account.Trim(typed) {
					t.Errorf("%s: the name kept is %.40q, want %.40q", where, kept, typed)
				}
			}
			as("sign-in", s.Browser(t).Post("/auth", "username", typed, "next", typed).Want(http.StatusUnprocessableEntity))
			as("join", s.Browser(t).Post(s.Link(t, account.Member), "username", typed, "password", webtest.Good).Want(http.StatusUnprocessableEntity))
			if len(typed) < 1000 {
				as("args", s.Browser(t).Get("/auth?"+webtest.Form("username", typed, "next", typed)).Want(http.StatusOK))
				s.Browser(t).Get("/" + strings.ReplaceAll(webtest.Form("", typed), "=", "")).Want(http.StatusNotFound).WantPage()
			}
		})
	}
}
