package doctor

import (
	"fmt"
	"net/http"
	"strings"
)

// judge says what an answer to a stranger's attack shows. Proof that it got nowhere is
// the way to the same sign-in page as ever and back to what was asked; for
// methods other than GET and HEAD, to the first page.
func (e *exam) judge(a attack, got answer) (Verdict, string) {
	back := e.root() + a.asks(e.Page)
	if a.verb() != http.MethodGet && a.verb() != http.MethodHead {
		back = e.root() + "/"
	}
	switch {
	case got.fault != "":
		return Unknown, "no answer: " + got.fault
	case got.status < 300:
		return Fail, fmt.Sprintf("%d: it got through", got.status)
	case a.kind == askGate && got.status == http.StatusUnauthorized && e.redirects:
		return Fail, "401: the gate answers"
	case got.next == "":
		return refused(a, got.status)
	case got.signIn != e.signIn:
		return Fail, fmt.Sprintf("%d to another page to sign in at: %s", got.status, got.signIn)
	case a.kind == oddPath && got.next != back && strings.HasPrefix(got.next, e.root()+"/"):
		return Remark, fmt.Sprintf("%d to the sign-in page, and from there to %s", got.status, got.next)
	case got.next != back:
		return Fail, fmt.Sprintf("%d to the sign-in page, but from there to %s", got.status, got.next)
	case a.kind == script && got.status < 400:
		return Remark, fmt.Sprintf("%d to the sign-in page", got.status)
	}
	return Pass, fmt.Sprintf("%d to the sign-in page", got.status)
}

// refused judges an answer that leads to no sign-in page.
func refused(a attack, status int) (Verdict, string) {
	switch {
	case status < 400:
		return Fail, fmt.Sprintf("%d, and not to the sign-in page: it got through", status)
	case a.kind == told:
		return Remark, fmt.Sprintf("%d: the header made a difference", status)
	case a.kind == askGate && status == http.StatusNotFound:
		return Pass, "404: it is not there"
	case status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusForbidden:
		return Unknown, fmt.Sprintf("%d may be the app's own answer, or the gate's by way of the proxy", status)
	}
	return Pass, fmt.Sprintf("refused with %d", status)
}
