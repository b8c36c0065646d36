package lab_test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/tooltest"
)

// pairs returns the rows of one of the request's tables, as name=value.
func pairs(a *webtest.Answer, table string) string {
	a.T.Helper()
	return strings.Join(a.Find("#"+table+" + table tbody tr").Map(func(_ int, row *goquery.Selection) string {
		return row.Find("td").First().Text() + "=" + row.Find("td").Last().Text()
	}), " ")
}

// wantPairs fails the test unless the three tables have these rows.
func wantPairs(a *webtest.Answer, args, form, cookies string) {
	a.T.Helper()
	for table, want := range map[string]string{"args": args, "form": form, "cookies": cookies} {
		if got := pairs(a, table); got != want {
			a.T.Errorf("%s: got %q, want %q", table, got, want)
		}
	}
}

func TestLabRequestKeepsOrderAndRepeats(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	got := b.Get("/lab/request?key=2&sub1=1&key=&key=3&c", "Cookie", "z=1; lab=2; z=3; a=; bare")
	wantPairs(got, "key=2 sub1=1 key= key=3 c=", "", "z=••• lab=2 z=••• a= =•••")
	got.Says("section:has(#arrived) pre", "GET /lab/request?key=2&sub1=1&key=&key=3&c HTTP/1.1")

	got = b.Send("/lab/request?key=2", "username=ada&sub1=a+b%26&sub1=&username=%C3%A9")
	wantPairs(got, "key=2", "username=ada sub1=a b& sub1= username=é", "lab-visit=•••")
	got.Says("section:has(#arrived) pre", "POST /lab/request?key=2 HTTP/1.1")
	if labCookieOf(b, "lab") != "" {
		t.Error("the page sets a cookie")
	}

	wantPairs(b.Get("/lab/request?key=%zz&value=%1b&name=1;d=2&%e2%80%ae=x"), `key=%zz value=\u001b name=1;d=2 \u202e=•••`, "", "lab-visit=•••")
	b.Send("/lab/request", "a=1", "Content-Type", "text/plain").Want(http.StatusUnsupportedMediaType)
	b.Send("/lab/request", "a="+strings.Repeat("a", 64<<10)).Want(http.StatusRequestEntityTooLarge)
	many := b.Send("/lab/request", strings.Repeat("a&", 1000))
	if n := many.Find("#form + table tbody tr").Length(); n != 100 || !strings.Contains(many.Text("section.pairs:has(#form)"), "and 900 more") {
		t.Errorf("of 1,000 fields it shows %d", n)
	}
}

func TestLabRequestHasThreeForms(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	page := s.Browser(t).Get("/lab/request")
	page.WantPage()
	var methods []string
	page.Find("form[action='/lab/request']").Each(func(_ int, form *goquery.Selection) {
		method, ok := form.Attr("method")
		if !ok {
			method = "none"
		}
		methods = append(methods, method)
		if form.Find("[name=username]").Length() != 1 || form.Find("[name=sub1]").Length() != 1 {
			t.Errorf("the form with method %s has not the two fields", method)
		}
	})
	wantTexts(t, methods, "get", "post", "none")
}

func TestLabRequestReadsWhatIsNotThere(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Get("/lab/request").Says("#forgives", `""`).Says("#strict", "400 Bad Request: there is no colour")
	b.Get("/lab/request?colour=green").Says("#forgives", `"green"`).Says("#strict", `"green"`)
	b.Get("/lab/request?colour=").Says("#forgives", `""`).Says("#strict", `""`)
}

func TestLabRequestSaysWhoSetAHeader(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	got := s.Browser(t).Get("/lab/request", "Accept", "text/html", "Accept-Language", "en", "X-Forwarded-For", "192.0.2.1",
		"Sec-Ch-Ua-Mobile", "?0", "User-Agent", "\u202ea", "X-Mine", "x", "Cookie", "b=2; glassjar=x; lab=1", "Authorization", "Bearer x")
	rows := map[string]string{}
	var names []string
	got.Find(".headers tbody tr").Each(func(_ int, row *goquery.Selection) {
		name := row.Find("b").Text()
		names = append(names, name)
		rows[name] = row.Find(".tag").Text() + ": " + row.Find("code").Text()
		if row.Find("td span").Last().Text() == "" {
			t.Errorf("%s: nothing says what it is for", name)
		}
	})
	for name, want := range map[string]string{
		"Host":             "you: jar.example",
		"Accept":           "your browser: text/html",
		"Accept-Language":  "you: en",
		"X-Forwarded-For":  "a proxy: 192.0.2.1",
		"Sec-Ch-Ua-Mobile": "your browser: ?0",
		"User-Agent":       `your browser: \u202ea`,
		"X-Mine":           "unknown: •••",
		"Cookie":           "your browser: b=•••; glassjar=•••; lab=1",
		"Authorization":    "you: •••",
	} {
		if rows[name] != want {
			t.Errorf("%s: got %q, want %q", name, rows[name], want)
		}
	}
	if names[0] != "Host" || !strings.Contains(got.Text("section:has(#headers)"), "by name") {
		t.Errorf("the headers are %q", names)
	}
}

// asCurl runs the page's shell command against the site, and returns the page that it gets.
func asCurl(t *testing.T, s *webtest.Site, page *webtest.Answer) *webtest.Answer {
	t.Helper()
	tooltest.Need(t, "curl")
	command := strings.ReplaceAll(page.Text("#command"), "•••", "x") // like a person who replaces the masked values
	out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "curl ", "curl -s --connect-to ::"+s.Listener.Addr().String()+" ", 1)).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, command)
	}
	return &webtest.Answer{T: t, Body: string(out), Response: page.Response}
}

// The shell command sends one request, whatever is in the address, and also the headers that
// are empty.
func TestLabRequestAsCurlIsOne(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	b.Header = http.Header{"Dnt": {""}, "Accept": {"*/*"}, "Accept-Language": {""}}
	for _, args := range []string{"username=[1-3]", "username={a,b}", "sub1=1&sub1=[]", "username=[", "username=}"} {
		got := b.Get("/lab/request?" + args)
		got.Says("section:has(#arrived) pre", "GET /lab/request?"+args+" HTTP/1.1")
		again := asCurl(t, s, got)
		again.Says("section:has(#arrived) pre", got.Text("section:has(#arrived) pre")).Says("#arrived", got.Text("#arrived"))
		wantTexts(t, headerNames(again), headerNames(got)...)
		wantPairs(again, pairs(got, "args"), "", pairs(got, "cookies"))
	}
	plain := b.Get("/lab/request?username=ada").Text("#command")
	if !strings.HasPrefix(plain, "curl 'http://jar.example/lab/request?username=ada' ") || !strings.Contains(plain, "-H 'Dnt;'") {
		t.Errorf("the command is %s", plain)
	}
}

// headerNames returns the names of the request's headers.
func headerNames(a *webtest.Answer) []string {
	a.T.Helper()
	return a.Find(".headers tbody b").Map(func(_ int, name *goquery.Selection) string { return name.Text() })
}

// The shell command sends the same request, except for secrets.
func TestLabRequestAsCurl(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	body := "username=it's+%22me%22&sub1=$(date)&password=s3cret&sub1=%0a"
	got := b.Send("/lab/request?key='%60id%60&key=2", body, "User-Agent", "a'b", "X-Mine", "s3cret", "Cookie", "lab=dark; glassjar=s3cret")
	command := got.Text("#command")
	if strings.Contains(command, "s3cret") || !strings.Contains(command, "'Cookie: lab=dark; glassjar=•••'") {
		t.Errorf("the command is %s", command)
	}
	again := asCurl(t, s, got)
	wantPairs(again, pairs(got, "args"), pairs(got, "form"), pairs(got, "cookies"))
	again.Says("section:has(#arrived) pre", got.Text("section:has(#arrived) pre"))
}
