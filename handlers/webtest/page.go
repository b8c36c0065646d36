package webtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// WantPage fails the test unless the response is a complete page that follows the site's
// rules for pages.
func (a *Answer) WantPage() {
	a.T.Helper()
	if isForAppHost(a.Request.URL.Path) {
		a.WantGatePage()
		return
	}
	where := a.Request.Method + " " + a.Request.URL.Path
	if !strings.HasSuffix(a.Body, "</html>\n") {
		a.T.Errorf("%s: the page is not whole", where)
	}
	for _, one := range []string{"html[lang]", "title", "h1", "main#main"} {
		if n := a.Find(one).Length(); n != 1 {
			a.T.Errorf("%s: %d × %s, want one", where, n, one)
		}
	}
	for _, none := range []string{"script:not([src])", "style", "[style]", "[formaction]", "iframe", "meta[http-equiv]"} {
		if n := a.Find(none).Length(); n > 0 {
			a.T.Errorf("%s: %d × %s, want none", where, n, none)
		}
	}
	a.Find("*").Each(func(_ int, one *goquery.Selection) {
		for _, attr := range one.Nodes[0].Attr {
			if strings.HasPrefix(attr.Key, "on") {
				a.T.Errorf("%s: an inline script in %s", where, attr.Key)
			}
		}
		if id, ok := one.Attr("id"); ok && a.Find("[id='"+id+"']").Length() > 1 {
			a.T.Errorf("%s: the id %s comes twice", where, id)
		}
	})
	a.Find("form").Each(func(_ int, form *goquery.Selection) { a.wantForm(where, form) })
}

// wantForm fails the test unless the form has a method and an action, and each of its
// fields a name, a label and an autocomplete attribute.
func (a *Answer) wantForm(where string, form *goquery.Selection) {
	a.T.Helper()
	action := form.AttrOr("action", "")
	shows := action == "/lab/request" // one form there shows what happens without a method
	if method := form.AttrOr("method", ""); method != "post" && method != "get" && (!shows || method != "") {
		a.T.Errorf("%s: a form's method is %q", where, method)
	}
	if !strings.HasPrefix(action, "/") || strings.HasPrefix(action, "//") {
		a.T.Errorf("%s: a form's action is %q", where, action)
	}
	form.Find("input, select, textarea").Each(func(_ int, field *goquery.Selection) {
		name, id, kind := field.AttrOr("name", ""), field.AttrOr("id", ""), field.AttrOr("type", "")
		if name == "" {
			a.T.Errorf("%s: a field of %s has no name", where, action)
		}
		if kind == "hidden" {
			return
		}
		if kind != "checkbox" && field.AttrOr("autocomplete", "") == "" {
			a.T.Errorf("%s: the field %s of %s has no autocomplete", where, name, action)
		}
		typed := field.AttrOr("autocapitalize", "") + " " + field.AttrOr("autocorrect", "") + " " + field.AttrOr("spellcheck", "")
		if kind == "password" && typed != "none off false" { // the button Show makes it a text field, in which phones would correct the text
			a.T.Errorf("%s: the password field %s has autocapitalize, autocorrect, spellcheck %q", where, name, typed)
		}
		_, unseen := field.Attr("hidden")
		if !unseen && field.Closest("label").Length()+a.Find("label[for='"+id+"']").Length() != 1 {
			a.T.Errorf("%s: the field %s of %s has not one label", where, name, action)
		}
		for of := range strings.FieldsSeq(field.AttrOr("aria-describedby", "")) {
			if a.Find("#"+of).Length() != 1 {
				a.T.Errorf("%s: the field %s is described by %s, which is not there", where, name, of)
			}
		}
	})
	buttons := form.Find("button[type=submit]")
	if buttons.Length() != 1 || slices.Contains(buttons.Map(func(_ int, b *goquery.Selection) string { return b.Text() }), "") {
		a.T.Errorf("%s: the form to %s has not one button with words", where, action)
	}
}

// Fail makes n sign-ins as username fail.
func (b *Browser) Fail(n int, username string) {
	b.T.Helper()
	for range n {
		b.SignIn(username, Other).Want(http.StatusUnprocessableEntity)
	}
}
