package webtest

import ()

// WantGatePage fails the test unless the answer is a page that needs nothing
// else of this site.
func (a *Answer) WantGatePage() {
	a.T.Helper()
	if a.Find("link, script, img, style, form").Length() > 0 || a.Find("main#main h1").Length() != 1 {
		a.T.Errorf("the page needs more than itself:\n%s", a.Body)
	}
}
