// Package doctor attacks a page behind a gate from outside, through the real
// proxy, and reports which attacks got through. It follows no redirect and keeps
// no cookie. A response that the app itself may have sent counts as unknown.
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

// Verdict is the outcome of an attack.
type Verdict string

// The verdicts. A Remark is not a hole, but should be changed.
const (
	Pass    Verdict = "pass"    // the attack was stopped
	Fail    Verdict = "FAIL"    // the attack got through: a hole
	Unknown Verdict = "unknown" // it cannot be decided from outside
	Remark  Verdict = "remark"
)

// Finding is one attack and its outcome, as text without control characters.
type Finding struct {
	Verdict Verdict
	Attack  string // the request
	Result  string // the response
	Means   string // the consequence; empty for a Pass
	Fix     string // what to change or where to look; empty for a Pass
}

var (
	errUntested = errors.New("nothing was tested")
	errSignIn   = errors.New("nothing was tested: people sign in at this host, so it must be open: give the URL of an app's page behind the gate")
	errNoPage   = errors.New("the page must be an http or https URL without a user name")
)

// Page is a page behind a gate, as browsers ask for it.
type Page struct {
	scheme, host string // the host in lower case, without the scheme's default port
	path, uri    string // the uri is the path with the query
}

// UnmarshalText parses the page's URL. It drops the fragment, as browsers do. It returns an
// error unless the URL is http or https, with a host and without a user.
func (p *Page) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Hostname() == "" || u.User != nil {
		return errNoPage // not err itself: it quotes the URL, which may contain a password
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

// scan is one run of the attacks on a page.
type scan struct {
	Page

	client    *http.Client
	signIn    string // the sign-in page to which the proxy redirects
	redirects bool   // whether the proxy answers with a redirect
	onFinding func(Finding)
}

// Examine tries every attack on the page, one after the other, and calls
// onFinding for each: first without a sign-in, then, if the credential is not
// empty, with it. If the page is open without a sign-in, that is the only finding.
// Errors: the page does not answer, does not lead to a sign-in page, or is on the
// host where people sign in; the credential is rejected; ctx has ended.
func Examine(ctx context.Context, page Page, with Credential, onFinding func(Finding)) error {
	e := &scan{Page: page, client: newClient(), onFinding: onFinding}
	behind, err := e.probe(ctx)
	if err != nil || !behind {
		return err
	}
	for _, a := range e.attacks() {
		got := e.send(ctx, a)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a.unclear = ambiguous
		if got.reason != "" {
			a.unclear = unanswered
		}
		verdict, came := e.classify(a, got)
		e.report(a, verdict, came)
	}
	if with == (Credential{}) {
		return nil
	}
	return e.attackSignedIn(ctx, with)
}

// probe opens the page without a sign-in, stores the sign-in page to which it leads, and
// reports whether the page is behind a gate.
func (e *scan) probe(ctx context.Context) (bool, error) {
	a := attack{name: "a stranger opens the page", hole: openPage}
	got := e.send(ctx, a)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case got.reason != "":
		return false, fmt.Errorf("%w: %s", errUntested, got.reason)
	case (got.status < 300 || got.signIn == "" || strings.HasPrefix(got.signIn, e.root()+"/")) && e.isSignIn(ctx):
		return false, fmt.Errorf("%w: %s", errSignIn, printable(e.root()))
	case got.status < 300:
		e.report(a, Fail, fmt.Sprintf("%d: it is open", got.status))
		return false, nil
	case got.next != e.root()+e.uri:
		return false, fmt.Errorf("%w: the page answers %d and does not lead to a sign-in page that returns to it (next=%s)",
			errUntested, got.status, printable(got.next))
	}
	e.signIn, e.redirects = got.signIn, got.status < 400
	e.report(a, Pass, fmt.Sprintf("%d to the sign-in page", got.status))
	return true, nil
}

// isSignIn reports whether the host is glassjar's own: its first page has a sign-in form.
func (e *scan) isSignIn(ctx context.Context) bool {
	got := e.send(ctx, attack{uri: "/"})
	return got.status == http.StatusOK && strings.Contains(got.shown, `method="post" action="/auth"`)
}

// report calls onFinding with the finding.
func (e *scan) report(a attack, v Verdict, came string) {
	about := map[Verdict]advice{Fail: a.hole, Remark: a.remark, Unknown: a.unclear}[v]
	e.onFinding(Finding{Verdict: v, Attack: a.name, Result: printable(came), Means: about.means, Fix: about.fix})
}

// printable returns the first 300 bytes of the text without unprintable characters, which
// could control a terminal: a server wrote it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text[:min(len(text), 300)])
}
