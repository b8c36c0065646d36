// Package doctor attacks a page behind a gate from outside, through the real
// proxy, and says which got through. It follows no redirect and keeps no cookie. It
// does not guess: an answer that an app may have given too is no proof.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"glassjar/utl/hosts"
)

// Verdict is what an attack showed.
type Verdict string

// The verdicts. A Remark is no hole, but something to change.
const (
	Pass    Verdict = "pass"    // the attack got nowhere
	Fail    Verdict = "FAIL"    // a hole
	Unknown Verdict = "unknown" // it cannot be seen from outside
	Remark  Verdict = "remark"
)

// Finding is one attack and what came of it, in words without control bytes.
type Finding struct {
	Verdict Verdict
	Attack  string // what was sent
	Came    string // what came back
	Means   string // what follows from it; empty for a Pass
	Change  string // what to change or where to look; empty for a Pass
}

var (
	errUntested = errors.New("nothing was tested")
	errSignIn   = errors.New("nothing was tested: people sign in at this host, so it is open to all: give the URL of a page of an app behind the gate")
	errOutside  = errors.New("nothing was tested with the app password")
	errNoPage   = errors.New("it must be an http or https URL without a user name")
)

// Page is a page behind a gate, as browsers ask for it.
type Page struct {
	scheme, host string // the host as a gate names it: lower case, without the scheme's own port
	path, uri    string // the uri is the path with the query
}

// UnmarshalText reads the page's URL. A fragment is dropped, as browsers do.
// Errors: not http or https, no host, a user name.
func (p *Page) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Hostname() == "" || u.User != nil {
		return errNoPage // never err: it repeats the URL, which may hold a password
	}
	own, ok := hosts.OwnPort(u.Scheme)
	if !ok {
		return errNoPage
	}
	path, _, _ := strings.Cut(u.RequestURI(), "?")
	*p = Page{u.Scheme, strings.TrimSuffix(strings.ToLower(u.Host), ":"+own), path, u.RequestURI()}
	return nil
}

func (p Page) root() string { return p.scheme + "://" + p.host }

// exam is one examination of a page.
type exam struct {
	Page

	client    *http.Client
	signIn    string // the sign-in page that the proxy sends people to
	redirects bool   // it does so with a redirect
	tell      func(Finding)
}

// Examine tries every attack on the page, one after the other, and tells each
// finding: as a stranger and, where there is an app password, with that too.
// A page that is open to strangers is the only finding then.
// Errors: the page does not answer, or not with the way to a sign-in page, or
// is on the host where people sign in; the app password is not taken; ctx has ended.
func Examine(ctx context.Context, page Page, appPassword string, tell func(Finding)) error {
	e := &exam{Page: page, client: newClient(), tell: tell}
	behind, err := e.knock(ctx)
	if err != nil || !behind {
		return err
	}
	for _, a := range e.attacks() {
		got := e.send(ctx, a)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a.unclear = ambiguous
		if got.fault != "" {
			a.unclear = unanswered
		}
		verdict, came := e.judge(a, got)
		e.found(a, verdict, came)
	}
	if appPassword == "" {
		return nil
	}
	return e.signedIn(ctx, appPassword)
}

// knock asks for the page as any stranger's browser does, learns where people
// sign in, and reports whether the page is behind a gate.
func (e *exam) knock(ctx context.Context) (bool, error) {
	a := attack{name: "a stranger opens the page", hole: openPage}
	got := e.send(ctx, a)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case got.fault != "":
		return false, fmt.Errorf("%w: %s", errUntested, got.fault)
	case (got.status < 300 || got.signIn == "" || strings.HasPrefix(got.signIn, e.root()+"/")) && e.isSignIn(ctx):
		return false, fmt.Errorf("%w: %s", errSignIn, plain(e.root()))
	case got.status < 300:
		e.found(a, Fail, fmt.Sprintf("%d: it is open", got.status))
		return false, nil
	case got.next != e.root()+e.uri:
		return false, fmt.Errorf("%w: the page answers %d, which leads to no sign-in page that comes back to it (next=%s)",
			errUntested, got.status, plain(got.next))
	}
	e.signIn, e.redirects = got.signIn, got.status < 400
	e.found(a, Pass, fmt.Sprintf("%d to the sign-in page", got.status))
	return true, nil
}

// isSignIn reports whether the host is glassjar's own, with the sign-in form
// on its first page.
func (e *exam) isSignIn(ctx context.Context) bool {
	got := e.send(ctx, attack{uri: "/"})
	return got.status == http.StatusOK && strings.Contains(got.shown, `method="post" action="/auth"`)
}

// found tells the finding.
func (e *exam) found(a attack, v Verdict, came string) {
	about := map[Verdict]advice{Fail: a.hole, Remark: a.remark, Unknown: a.unclear}[v]
	e.tell(Finding{Verdict: v, Attack: a.name, Came: plain(came), Means: about.means, Change: about.change})
}

// plain returns the text, cut, without what could move a terminal's cursor: a
// server wrote it.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text[:min(len(text), 300)])
}
