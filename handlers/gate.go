package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"glassjar/utl/account"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

var (
	errCaller  = errors.New("who asks the gate is not in TRUSTED_PROXIES")
	errUnsure  = errors.New("the gate cannot know who asks")
	errBrowser = errors.New("the ticket is not for this browser")
)

// gateAnswers are the answers to the gate's own errors.
var gateAnswers = []answer{
	{Err: gate.ErrBad, Status: http.StatusBadRequest, Title: "Bad request", Text: "The gate cannot read what the proxy asked, or can read it in two ways. " +
		"If you run this site, set the proxy up as the recipe for it says."},
	{Err: account.ErrAppPassword, Status: http.StatusUnauthorized, Title: "App password refused",
		Text: "The app password is wrong, revoked, expired or not for this host. Make another on your account's page."},
	{Err: errCaller, Status: http.StatusBadRequest, Title: "Proxy not trusted", Text: "The gate answers only proxies that it trusts. " +
		"If you run this site, add the proxy's address, which the log names, to TRUSTED_PROXIES."},
	{Err: gate.ErrHost, Status: http.StatusForbidden, Title: "Host not listed", Text: "The gate does not answer for this host. " +
		"If you run this site, add it to GATE_HOSTS; if it is there, open it over https, as the sign-in page is."},
	{Err: errUnsure, Status: http.StatusServiceUnavailable, Title: "Not now",
		Text: "It cannot be known just now whether you are signed in. Try again in a few seconds.", RetryAfter: "5"},
	{Err: session.ErrTicket, Status: http.StatusGone, Title: "Open that page again",
		Text: "The address that signs you in there works once, for half a minute. Open the page that you wanted again."},
	{Err: errBrowser, Status: http.StatusConflict, Title: "Your browser did not keep the cookie",
		Text: "You were to be let in, but your browser did not keep or send the cookie that shows that it asked for that. " +
			"Allow cookies for this site, then open the page that you wanted again."},
}

// gatePage is what an app's browser sees of us: it stands on the app's host and
// so needs nothing else of this site.
type gatePage struct {
	Title, Sentence string
	Other           string   // where to sign in as another; may be empty
	Address         string   // the site's own; may be empty
	Cookies         []string // names of those to delete
	More            int      // how many others
}

// gateRoutes are what proxies ask, under Authelia's names too, and what the
// browser asks on an app's host.
func (s *site) gateRoutes() map[string]http.Handler {
	check, forward := s.abroad(s.gateCheck), s.abroad(s.gateForward)
	return map[string]http.Handler{
		"GET /gate/check":             check,
		"GET /gate/forward":           forward,
		"GET /api/authz/auth-request": check,
		"GET /api/authz/forward-auth": forward,
		"GET /gate/callback":          s.abroad(s.gateCallback),
		"GET /.well-known/jwks.json":  s.open(s.jwks),
	}
}

// isGate reports whether proxies ask the path. Nothing changes there, by no
// method: what a proxy passes on of another site's request is answered 405.
func isGate(path string) bool {
	return strings.HasPrefix(path, "/gate/") || strings.HasPrefix(path, "/api/authz/")
}

// isCheck reports whether the path is gateCheck's.
func isCheck(path string) bool { return path == "/gate/check" || path == "/api/authz/auth-request" }

// abroad mounts what is answered on an app's host: errors get the gate's page.
func (s *site) abroad(fn open) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			a := s.judge(w, r, err)
			_ = s.show(w, a.Status, "gate", gatePage{Title: a.Title, Sentence: a.Text}) // the template is tested
		}
	})
}

// gateCheck answers GET /gate/check: 200 with who it is, 401 with where to sign
// in, 403, 400, or 503 when it cannot know.
func (s *site) gateCheck(w http.ResponseWriter, r *http.Request) error {
	return s.gate(w, r, gate.Check, func(a gate.Ask, to string) error {
		w.Header().Set("Location", to)
		unauthorized(w, a)
		return nil
	})
}

// gateForward answers GET /gate/forward: like gateCheck, but a browser that
// opens a page is sent to sign in, and a program gets 401 in JSON.
func (s *site) gateForward(w http.ResponseWriter, r *http.Request) error {
	return s.gate(w, r, gate.Forward, func(a gate.Ask, to string) error {
		w.Header().Set("Location", to)
		switch {
		case a.Navigates() && (a.Method == http.MethodGet || a.Method == http.MethodHead):
			w.WriteHeader(http.StatusFound)
		case a.Navigates():
			w.WriteHeader(http.StatusSeeOther)
		default:
			w.Header().Set("Content-Type", "application/json")
			unauthorized(w, a)
			return json.NewEncoder(w).Encode(map[string]string{"error": "sign in first", "location": to})
		}
		return nil
	})
}

// gate answers who asks whether a request may pass; signIn answers when nobody
// is signed in.
func (s *site) gate(w http.ResponseWriter, r *http.Request, kind gate.Kind, signIn func(a gate.Ask, to string) error) error {
	if !visitOf(r).proxied {
		s.warnedOfCaller.Do(func() {
			s.Log.WarnContext(r.Context(), "the gate was asked by somebody who is not in TRUSTED_PROXIES", "ip", r.RemoteAddr)
		})
		return errCaller
	}
	ask, err := gate.Read(kind, r.Header)
	if err != nil {
		return err
	}
	groups, err := gateGroups(r, ask)
	if err != nil {
		return err
	}
	if !s.Gate.Allows(ask.Target) {
		return gate.ErrHost
	}
	found, err := s.passenger(w, r, ask.Target)
	if errors.Is(err, account.ErrAppPassword) || errors.Is(err, errTooSoon) {
		return s.programRefused(w, r, ask, err)
	}
	if errors.Is(err, session.ErrNone) {
		return signIn(ask, s.Gate.SignIn(ask))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	visitOf(r).session = found
	if p := personOf(found); groups != nil && !slices.ContainsFunc(groups, p.In) {
		return s.gateDenied(w, ask, p)
	}
	return s.gatePass(w, r, ask, found)
}

// gateGroups returns the groups that may pass, or nil for everybody. An arg
// that the gate does not know is refused: it may be a group's, mistyped. Under
// Authelia's names, Caddy's question has the args of the page, unless its own
// configuration has others.
func gateGroups(r *http.Request, a gate.Ask) ([]string, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	args, err := url.ParseQuery(r.URL.RawQuery)
	if _, page, _ := strings.Cut(a.URI, "?"); page == r.URL.RawQuery && strings.HasPrefix(r.URL.Path, "/api/authz/") &&
		(err == nil || !strings.Contains(page, "group")) {
		return args["group"], nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gate.ErrBad, err)
	}
	for name := range args {
		if name != "group" && name != "authelia_url" { // the second is Authelia's, and says nothing of who may pass
			return nil, fmt.Errorf("%w: it knows no arg like that", gate.ErrBad)
		}
	}
	return args["group"], nil
}

// passenger returns the live session that the request carries to the target:
// the session cookie's on our own host, a gate cookie's on others. One with an
// app password is a program's, and no cookie of it counts.
func (s *site) passenger(w http.ResponseWriter, r *http.Request, t gate.Target) (session.Session, error) {
	if isForGate(r.Header["Authorization"]) {
		return s.program(w, r, t)
	}
	if s.Gate.Own(t) {
		return s.Sessions.Find(r)
	}
	return s.Sessions.FindGate(r, session.Place(s.Gate.CookieScope(t)))
}

func personOf(found session.Session) gate.Person {
	return gate.Person{
		ID: found.AccountID, Username: found.Username, Groups: found.Groups,
		Name: oneLine(found.DisplayName, 256), Email: oneLine(found.Email, 256),
	}
}

// gatePass answers 200 and says who it is. Every name is sent, also with
// nothing to say: some proxies let through what the client sent for one that
// is missing. The app's own Authorization header is sent back: the proxy hands
// the app that one, or none, for it cannot tell whose the client's is.
func (s *site) gatePass(w http.ResponseWriter, r *http.Request, a gate.Ask, found session.Session) error {
	p := personOf(found)
	assertion, err := s.Gate.Assert(found.SID, p, a.Host)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	h, told := w.Header(), [...]string{p.Username, p.Groups, p.Name, p.Email, assertion}
	h["Remote-User"] = told[0:1:1]
	h["Remote-Groups"] = told[1:2:2]
	h["Remote-Name"] = told[2:3:3]
	h["Remote-Email"] = told[3:4:4]
	h["Remote-Identity"] = told[4:5:5]
	if own := r.Header["Authorization"]; own != nil && !isForGate(own) {
		h["Authorization"] = own
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// gateDenied answers 403 and says who was not let in.
func (s *site) gateDenied(w http.ResponseWriter, a gate.Ask, p gate.Person) error {
	return s.show(w, http.StatusForbidden, "gate", gatePage{
		Title: "Not for " + p.Username, Sentence: "You are signed in as " + p.Username + ", who is in none of the groups that may open this page.",
		Other: s.Gate.SignInAsOther(a),
	})
}

// jwks answers GET /.well-known/jwks.json: the keys that verify Remote-Identity.
func (s *site) jwks(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(s.Gate.JWKS())
	return nil
}
