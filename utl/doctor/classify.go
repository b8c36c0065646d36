package doctor

import (
	"fmt"
	"net/http"
	"strings"
)

// classify decides what the response to an attack without a sign-in shows. The
// attack was stopped if the response leads to the known sign-in page, and from
// there back to what was asked for; with methods other than GET and HEAD, back to
// the first page.
func (e *scan) classify(a attack, got response) (Verdict, string) {
	back := e.root() + a.target(e.Page)
	if a.verb() != http.MethodGet && a.verb() != http.MethodHead {
		back = e.root() + "/"
	}
	switch {
	case got.reason != "":
		return Unknown, "no answer: " + got.reason
	case got.status < 300:
		return Fail, fmt.Sprintf("%d: it got through", got.status)
	case a.kind == kindGate && got.status == http.StatusUnauthorized && e.redirects:
		return Fail, "401: the gate answers"
	case got.next == "":
		return classifyRefusal(a, got.status)
	case got.signIn != e.signIn:
		return Fail, fmt.Sprintf("%d to another page to sign in at: %s", got.status, got.signIn)
	case a.kind == kindPath && got.next != back && strings.HasPrefix(got.next, e.root()+"/"):
		return Remark, fmt.Sprintf("%d to the sign-in page, and from there to %s", got.status, got.next)
	case got.next != back:
		return Fail, fmt.Sprintf("%d to the sign-in page, but from there to %s", got.status, got.next)
	case a.kind == kindScript && got.status < 400:
		return Remark, fmt.Sprintf("%d to the sign-in page", got.status)
	}
	return Pass, fmt.Sprintf("%d to the sign-in page", got.status)
}

// classifyRefusal classifies a response that does not lead to the sign-in page.
func classifyRefusal(a attack, status int) (Verdict, string) {
	switch {
	case status < 400:
		return Fail, fmt.Sprintf("%d, and not to the sign-in page: it got through", status)
	case a.kind == kindForward:
		return Remark, fmt.Sprintf("%d: the header made a difference", status)
	case a.kind == kindGate && status == http.StatusNotFound:
		return Pass, "404: it is not there"
	case status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusForbidden:
		return Unknown, fmt.Sprintf("%d may be the app's own answer, or the proxy's", status)
	}
	return Pass, fmt.Sprintf("refused with %d", status)
}
