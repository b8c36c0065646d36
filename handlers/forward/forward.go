package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/gate"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

var (
	errCaller  = errors.New("who asks the gate is not in TRUSTED_PROXIES")
	errUnsure  = errors.New("the gate cannot know who asks")
	errProgram = errors.New("an app password is no second factor")
)

// IsGate reports whether proxies ask the path. Nothing changes there, by no
// method: what a proxy passes on of another site's request is answered 405.
func IsGate(path string) bool {
	return strings.HasPrefix(path, "/gate/") || strings.HasPrefix(path, "/api/authz/")
}

// IsCheck reports whether the path is Check's.
func IsCheck(path string) bool { return path == "/gate/check" || path == "/api/authz/auth-request" }

// Check answers GET /gate/check: 200 with who it is, 401 with where to sign
// in, 403, 400, or 503 when it cannot know.
func (s *Room) Check(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, gate.Check, func(a gate.Ask, to, _ string) error {
		w.Header().Set("Location", to)
		unauthorized(w, a)
		return nil
	})
}

// Forward answers GET /gate/forward: like Check, but a browser that
// opens a page is sent to sign in, and a program gets 401 in JSON.
func (s *Room) Forward(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, gate.Forward, func(a gate.Ask, to, why string) error {
		w.Header().Set("Location", to)
		switch {
		case a.Navigates() && (a.Method == http.MethodGet || a.Method == http.MethodHead):
			w.WriteHeader(http.StatusFound)
		case a.Navigates():
			w.WriteHeader(http.StatusSeeOther)
		default:
			w.Header().Set("Content-Type", "application/json")
			unauthorized(w, a)
			return json.NewEncoder(w).Encode(map[string]string{"error": why, "location": to})
		}
		return nil
	})
}

// decide answers who asks whether a request may pass; send answers when somebody
// must go elsewhere before.
func (s *Room) decide(w http.ResponseWriter, r *http.Request, kind gate.Kind, send func(a gate.Ask, to, why string) error) error {
	if !web.InfoOf(r).Proxied {
		s.warnedOfCaller.Do(func() {
			s.Log.WarnContext(r.Context(), "the gate was asked by somebody who is not in TRUSTED_PROXIES", "ip", r.RemoteAddr)
		})
		return errCaller
	}
	ask, err := gate.ParseRequest(kind, r.Header)
	if err != nil {
		return err
	}
	wants, err := readDemands(r, ask)
	if err != nil {
		return err
	}
	if !s.Gate.Allows(ask.Target) {
		return gate.ErrHost
	}
	p, err := s.authenticate(r, ask.Target)
	if errors.Is(err, account.ErrAppPassword) || errors.Is(err, authn.ErrTooSoon) {
		return s.programRefused(w, r, ask, err)
	}
	if errors.Is(err, session.ErrNone) {
		return send(ask, s.Gate.SignIn(ask), "sign in first")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	web.InfoOf(r).Session.Identity = p.Identity
	if wants.groups != nil && !slices.ContainsFunc(wants.groups, p.HasGroup) {
		return s.deny(w, ask, p.Identity)
	}
	switch {
	case p.program && wants.level > 1:
		return s.programRefused(w, r, ask, errProgram)
	case !p.program && p.how.Level < wants.level:
		return send(ask, s.Gate.StepUp(ask), "a second factor is needed")
	}
	return s.allow(w, r, ask, p)
}

// demands is what a proxy demands of who is to pass.
type demands struct {
	groups []string // any of them; nil: everybody
	level  int      // of the session, at least
}

// readDemands reads the args of the proxy's question. An arg that the gate does not
// know is refused: it may be a group's, mistyped. Under Authelia's names, Caddy's
// question has the args of the page, unless its own configuration has others. The
// level is not asked under them: a page's own arg could not be told from it, and
// whoever adds it would do without a second factor.
func readDemands(r *http.Request, a gate.Ask) (d demands, err error) {
	if r.URL.RawQuery == "" {
		return d, nil
	}
	authelias := strings.HasPrefix(r.URL.Path, "/api/authz/")
	args, err := url.ParseQuery(r.URL.RawQuery)
	if _, page, _ := strings.Cut(a.URI, "?"); page == r.URL.RawQuery && authelias &&
		(err == nil || !strings.Contains(page, "group")) {
		return demands{groups: args["group"]}, nil
	}
	if err != nil {
		return d, fmt.Errorf("%w: %w", gate.ErrBad, err)
	}
	d.groups = args["group"]
	for name, values := range args {
		switch {
		case name == "group", name == "authelia_url": // the second is Authelia's, and says nothing of who may pass
		case name == "level" && !authelias && len(values) == 1 && (values[0] == "1" || values[0] == "2"):
			d.level = int(values[0][0] - '0')
		default:
			return d, fmt.Errorf("%w: it knows no arg like that", gate.ErrBad)
		}
	}
	return d, nil
}

// passenger is who may pass, and what the gate keeps signed tokens by: the sid,
// or the app password's id.
type passenger struct {
	identity.Identity

	key     string
	how     gate.SignedIn
	program bool // it came with an app password
}

// authenticate returns who makes the request to the target. One with an app
// password is a program's, and no cookie of it counts. The name and the email
// are fit for a header.
func (s *Room) authenticate(r *http.Request, t gate.Target) (p passenger, err error) {
	if isForGate(r.Header["Authorization"]) {
		p, err = s.program(r, t)
	} else {
		var found session.Session
		found, err = s.find(r, t)
		p = passenger{Identity: found.Identity, key: found.SID, how: gate.SignedIn{AMR: found.AMR, Level: found.Level, At: found.Proved.Unix()}}
	}
	p.Name, p.Email = web.OneLine(p.Name, 256), web.OneLine(p.Email, 256)
	return p, err
}

// find returns the live session that the request carries to the target: the
// session cookie's on our own host, a gate cookie's on others.
func (s *Room) find(r *http.Request, t gate.Target) (session.Session, error) {
	if s.Gate.IsSignInHost(t) {
		return s.Sessions.Find(r)
	}
	return s.Sessions.FindGate(r, session.Place(s.Gate.CookieScope(t)))
}

// allow answers 200 and says who it is. Every name is sent, also with
// nothing to say: some proxies let through what the client sent for one that
// is missing. The app's own Authorization header is sent back: the proxy hands
// the app that one, or none, for it cannot tell whose the client's is.
func (s *Room) allow(w http.ResponseWriter, r *http.Request, a gate.Ask, p passenger) error {
	assertion, err := s.Gate.SignIdentity(p.key, p.Identity, p.how, a.Host)
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

// deny answers 403 and says who was not let in.
func (s *Room) deny(w http.ResponseWriter, a gate.Ask, p identity.Identity) error {
	return s.Render(w, http.StatusForbidden, "gate", web.AppHostPage{
		Title: "Not for " + p.Username, Sentence: "You are signed in as " + p.Username + ", who is in none of the groups that may open this page.",
		Other: s.Gate.SignInAsOther(a),
	})
}

// JWKS answers GET /.well-known/jwks.json: the keys that verify Remote-Identity.
func (s *Room) JWKS(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(s.Gate.JWKS())
	return nil
}
