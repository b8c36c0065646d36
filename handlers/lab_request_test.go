package handlers_test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// pairs returns the rows of one of the request's tables, as name=value.
func (a *answer) pairs(table string) string {
	a.t.Helper()
	return strings.Join(a.find("#"+table+" + table tbody tr").Map(func(_ int, row *goquery.Selection) string {
		return row.Find("td").First().Text() + "=" + row.Find("td").Last().Text()
	}), " ")
}

// wantPairs fails the test unless the three tables have these rows.
func (a *answer) wantPairs(args, form, cookies string) {
	a.t.Helper()
	for table, want := range map[string]string{"args": args, "form": form, "cookies": cookies} {
		if got := a.pairs(table); got != want {
			a.t.Errorf("%s: got %q, want %q", table, got, want)
		}
	}
}

func TestLabRequestKeepsOrderAndRepeats(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	got := b.get("/lab/request?key=2&sub1=1&key=&key=3&c", "Cookie", "z=1; lab=2; z=3; a=; bare")
	got.wantPairs("key=2 sub1=1 key= key=3 c=", "", "z=••• lab=2 z=••• a= =•••")
	got.says("section:has(#arrived) pre", "GET /lab/request?key=2&sub1=1&key=&key=3&c HTTP/1.1")

	got = b.send("/lab/request?key=2", "username=ada&sub1=a+b%26&sub1=&username=%C3%A9")
	got.wantPairs("key=2", "username=ada sub1=a b& sub1= username=é", "")
	got.says("section:has(#arrived) pre", "POST /lab/request?key=2 HTTP/1.1")
	if b.held("lab") != "" {
		t.Error("the page sets a cookie")
	}

	b.get("/lab/request?key=%zz&value=%1b&name=1;d=2&%e2%80%ae=x").wantPairs(`key=%zz value=\u001b name=1;d=2 \u202e=•••`, "", "")
	b.send("/lab/request", "a=1", "Content-Type", "text/plain").want(http.StatusUnsupportedMediaType)
	b.send("/lab/request", "a="+strings.Repeat("a", 64<<10)).want(http.StatusRequestEntityTooLarge)
	many := b.send("/lab/request", strings.Repeat("a&", 1000))
	if n := many.find("#form + table tbody tr").Length(); n != 100 || !strings.Contains(many.text("section.pairs:has(#form)"), "and 900 more") {
		t.Errorf("of 1,000 fields it shows %d", n)
	}
}

func TestLabRequestHasThreeForms(t *testing.T) {
	s := newSite(t, withLab)
	page := s.browser(t).get("/lab/request")
	page.wantPage()
	var methods []string
	page.find("form[action='/lab/request']").Each(func(_ int, form *goquery.Selection) {
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
	s := newSite(t, withLab)
	b := s.browser(t)
	b.get("/lab/request").says("#forgives", `""`).says("#strict", "400 Bad Request: there is no colour")
	b.get("/lab/request?colour=green").says("#forgives", `"green"`).says("#strict", `"green"`)
	b.get("/lab/request?colour=").says("#forgives", `""`).says("#strict", `""`)
}

func TestLabRequestSaysWhoSetAHeader(t *testing.T) {
	s := newSite(t, withLab)
	got := s.browser(t).get("/lab/request", "Accept", "text/html", "Accept-Language", "en", "X-Forwarded-For", "192.0.2.1",
		"Sec-Ch-Ua-Mobile", "?0", "User-Agent", "\u202ea", "X-Mine", "x", "Cookie", "b=2; glassjar=x; lab=1", "Authorization", "Bearer x")
	rows := map[string]string{}
	var names []string
	got.find(".headers tbody tr").Each(func(_ int, row *goquery.Selection) {
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
	if names[0] != "Host" || !strings.Contains(got.text("section:has(#headers)"), "by name") {
		t.Errorf("the headers are %q", names)
	}
}

// The command is for a shell: what it sends must be what came, but for the
// secrets.
func TestLabRequestAsCurl(t *testing.T) {
	s := newSite(t, withLab)
	b := s.browser(t)
	body := "username=it's+%22me%22&sub1=$(date)&password=s3cret&sub1=%0a"
	got := b.send("/lab/request?key='%60id%60&key=2", body, "User-Agent", "a'b", "X-Mine", "s3cret", "Cookie", "lab=dark; glassjar=s3cret")
	command := got.text("#command")
	if strings.Contains(command, "s3cret") || !strings.Contains(command, "'Cookie: lab=dark; glassjar=•••'") {
		t.Errorf("the command is %s", command)
	}
	if _, err := exec.LookPath("curl"); err != nil {
		missing(t, "curl")
	}
	command = strings.ReplaceAll(command, "•••", "x") // as a person fills in what is hidden
	out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "curl ", "curl -s --connect-to ::"+s.Listener.Addr().String()+" ", 1)).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, command)
	}
	again := &answer{t: t, body: string(out), Response: got.Response}
	again.wantPairs(got.pairs("args"), got.pairs("form"), got.pairs("cookies"))
	again.says("section:has(#arrived) pre", got.text("section:has(#arrived) pre"))
}
