package handlers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"glassjar/utl/account"
)

// Attack http/forms: what a form cannot be is refused, and nothing changes.
func TestAFormThatCannotBeRead(t *testing.T) {
	const urlencoded = "application/x-www-form-urlencoded"
	fits := "username=ada&password=" + strings.ReplaceAll(good, " ", "+")
	for _, row := range []struct {
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
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.add(t, "ada", account.Owner)
			before := s.state(t)
			got := s.browser(t).send("/auth"+row.query, row.body, "Content-Type", row.kind).want(row.want)
			if row.want == http.StatusSeeOther {
				return
			}
			if s.state(t) != before || len(got.Cookies()) > 0 {
				t.Error("it was refused, yet something changed")
			}
			got.wantPage()
			delete(got.Header, "Connection") // of a body that is too large; see the next test
			got.wantHeaders(headersOf{})
		})
	}
}

// Attack http/forms: a body over the limit is not read on, and the connection on which
// its rest would come is closed.
func TestABodyOverTheLimitClosesItsConnection(t *testing.T) {
	s := newSite(t)
	got := s.browser(t).send("/auth", strings.Repeat("x", 64<<10+1)).want(http.StatusRequestEntityTooLarge)
	if !got.Close {
		t.Error("the connection stays open")
	}
	got.says("h1", "Too large")
}

// Every form refuses the same things, before it looks at anything else.
func TestEveryFormIsReadWithTheSameCare(t *testing.T) {
	s := newSite(t, withGate)
	s.add(t, "bob", account.Member)
	b := s.signedIn(t, "bob")
	for path, field := range map[string]string{
		"/auth": "username", s.link(t, account.Member): "password", s.link(t, "bob"): "password", "/account/password": "current", "/account/app-passwords": "hosts",
	} {
		for body, want := range map[string]int{
			field + "=%ff":                   http.StatusBadRequest,
			field + "=%00":                   http.StatusBadRequest,
			field + "=a&" + field + "=b":     http.StatusBadRequest,
			strings.Repeat("&x", 10_001):     http.StatusBadRequest,
			strings.Repeat("x", 64<<10+1):    http.StatusRequestEntityTooLarge,
			field + "=" + string(rune(0xFF)): http.StatusUnprocessableEntity, // text, if not a good one
		} {
			b.send(path, body).want(want)
		}
		b.send(path, field+"=x", "Content-Type", "multipart/form-data; boundary=x").want(http.StatusUnsupportedMediaType)
	}
}

// Attack http/forms: the args of a page are read with the same care.
func TestArgsThatCannotBeRead(t *testing.T) {
	s := newSite(t)
	s.add(t, "bob", account.Member)
	b := s.signedIn(t, "bob")
	for _, query := range []string{"a;b", "next=%zz", "next=/a&next=/b", "next=%00", "next=%ff", strings.Repeat("a&", 10_001)[:14_000]} {
		want := http.StatusBadRequest
		if strings.HasPrefix(query, "a&") {
			want = http.StatusOK // fewer than 10,000: the headers end first
		}
		s.browser(t).get("/auth?" + query).want(want)
		s.browser(t).get("/?" + query).want(want)
		if want == http.StatusBadRequest {
			b.get("/auth?" + query).want(want)
		}
	}
	b.get("/account?done=a&done=b").want(http.StatusBadRequest)
	b.get("/account?done=elsewhere").want(http.StatusOK).says("[role=status]", "")
}

// The lesson: args are the URL's, form values are the body's, and neither is
// taken for the other.
func TestArgsAndFormValuesAreNotMixed(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.browser(t).send("/auth?"+form("username", "ada", "password", good), "").want(http.StatusUnprocessableEntity)
	s.browser(t).send("/auth?"+form("username", "ada", "password", good, "next", "/account"), form("username", "ada", "password", other)).
		want(http.StatusUnprocessableEntity)
	got := s.browser(t).send("/auth?next=%2Fjoin", form("username", "ada", "password", good, "next", "/account"))
	got.want(http.StatusSeeOther, "/account")

	b := s.browser(t)
	req := b.request(http.MethodGet, "/auth?username=bob", form("username", "ada", "next", "/account"), "Content-Type", "application/x-www-form-urlencoded")
	page := b.do(req).want(http.StatusOK)
	if name := page.find("#username").AttrOr("value", ""); name != "bob" || page.find("[name=next]").Length() > 0 {
		t.Errorf("the form has the name %q and %d × next, want bob and none", name, page.find("[name=next]").Length())
	}
}

// Attack browser/script: what people type comes back as text, never as markup.
func TestWhatIsTypedComesBackAsText(t *testing.T) {
	for _, typed := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`,
		`{{.Cookie}}`, "\u202e\u2066a\u2069bc\ufeff", "ö", strings.Repeat("x", 30_000), "\r\nSet-Cookie: a=b", "</title><script>",
	} {
		t.Run(fmt.Sprintf("%.20q", typed), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.add(t, "bob", account.Member)
			as := func(where string, got *answer) {
				got.wantPage()
				if kept := got.find("#username").AttrOr("value", ""); kept != account.Trim(typed) {
					t.Errorf("%s: the name kept is %.40q, want %.40q", where, kept, typed)
				}
			}
			as("sign-in", s.browser(t).post("/auth", "username", typed, "next", typed).want(http.StatusUnprocessableEntity))
			as("join", s.browser(t).post(s.link(t, account.Member), "username", typed, "password", good).want(http.StatusUnprocessableEntity))
			if len(typed) < 1000 {
				as("args", s.browser(t).get("/auth?"+form("username", typed, "next", typed)).want(http.StatusOK))
				s.browser(t).get("/" + strings.ReplaceAll(form("", typed), "=", "")).want(http.StatusNotFound).wantPage()
			}
		})
	}
}
