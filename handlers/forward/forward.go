package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/gate"
	"glassjar/utl/session"
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
	return s.decide(w, r, gate.Check, func(a gate.Request, to, _ string) error {
		w.Header().Set("Location", to)
		unauthorized(w, a)
		return nil
	})
}

// Forward answers GET /gate/forward: like Check, but a browser that
// opens a page is sent to sign in, and a program gets 401 in JSON.
func (s *Room) Forward(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, gate.Forward, func(a gate.Request, to, why string) error {
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
func (s *Room) decide(w http.ResponseWriter, r *http.Request, kind gate.Kind, send func(a gate.Request, to, why string) error) error {
	q := gate.Question{Trusted: web.InfoOf(r).Proxied, Program: isForGate(r.Header["Authorization"])}
	if q.Request, q.Err = gate.ParseRequest(kind, r.Header); q.Err == nil {
		q.Demands, q.Err = readDemands(r, q.Request)
	}
	if !q.Program { // whose app password was made by somebody with two
		q.Demands.Level = max(q.Demands.Level, s.Level)
	}
	v := s.Gate.Decide(&q, func(t gate.Target) (gate.Subject, gate.Outcome, error) { return s.authenticate(r, t, q.Program) })
	if !isAskedAgain(r, kind) {
		s.Gate.Count(&q, v, web.InfoOf(r).Began, r.RemoteAddr)
	}
	web.InfoOf(r).Session.Identity = v.Subject.Identity
	switch v.Outcome {
	case gate.Pass:
		return s.allow(w, r, q.Request, v.Subject)
	case gate.SignedOut:
		if !v.Rule.TakesPrograms() {
			q.Request = q.AsBrowser()
		}
		return send(q.Request, s.Gate.SignIn(q.Request), "sign in first")
	case gate.LowLevel:
		if !q.Program {
			return send(q.Request, s.Gate.StepUp(q.Request), "a second factor is needed")
		}
	case gate.Untrusted:
		s.warnedOfCaller.Do(func() {
			s.Log.WarnContext(r.Context(), "the gate was asked by somebody who is not in TRUSTED_PROXIES", "ip", r.RemoteAddr)
		})
	case gate.Unreadable, gate.Unknown, gate.Unlisted, gate.NoPrograms, gate.BadProgram, gate.Unsure, gate.WrongGroup:
	}
	return s.refuse(w, r, &q, v)
}

// isAskedAgain reports whether nginx, to which the gate has answered 403 just now,
// asks once more for that answer's body, which it drops. Its recipe says so in a
// header that it sets itself.
func isAskedAgain(r *http.Request, kind gate.Kind) bool {
	return kind == gate.Check && r.Header.Get("X-Original-Status") == "403"
}

// readDemands reads the args of the proxy's question. An arg that the gate does not
// know is refused: it may be a group's, mistyped. Under Authelia's names, Caddy's
// question has the args of the page, unless its own configuration has others. The
// level is not asked under them: a page's own arg could not be told from it, and
// whoever adds it would do without a second factor.
func readDemands(r *http.Request, a gate.Request) (d gate.Demands, err error) {
	if r.URL.RawQuery == "" {
		return d, nil
	}
	authelias := strings.HasPrefix(r.URL.Path, "/api/authz/")
	args, err := url.ParseQuery(r.URL.RawQuery)
	if _, page, _ := strings.Cut(a.URI, "?"); page == r.URL.RawQuery && authelias &&
		(err == nil || !strings.Contains(page, "group")) {
		return gate.Demands{Groups: args["group"]}, nil
	}
	if err != nil {
		return d, fmt.Errorf("%w: %w", gate.ErrBad, err)
	}
	d.Groups = args["group"]
	for name, values := range args {
		switch {
		case name == "group", name == "authelia_url": // the second is Authelia's, and says nothing of who may pass
		case name == "level" && !authelias && len(values) == 1 && (values[0] == "1" || values[0] == "2"):
			d.Level = int(values[0][0] - '0')
		default:
			return d, fmt.Errorf("%w: it knows no arg like that", gate.ErrBad)
		}
	}
	return d, nil
}

// authenticate returns who makes the request to the target. One with an app
// password is a program's, and no cookie of it counts. The name and the email
// are fit for a header.
func (s *Room) authenticate(r *http.Request, t gate.Target, program bool) (p gate.Subject, _ gate.Outcome, err error) {
	if program {
		p, err = s.program(r, t)
	} else {
		var found session.Session
		found, err = s.find(r, t)
		p = gate.Subject{Identity: found.Identity, Key: found.SID, How: gate.SignedIn{AMR: found.AMR, Level: found.Level, At: found.Proved.Unix()}}
	}
	switch {
	case err == nil:
		p.Name, p.Email = web.OneLine(p.Name, 256), web.OneLine(p.Email, 256)
		return p, gate.Pass, nil
	case errors.Is(err, account.ErrAppPassword), errors.Is(err, authn.ErrTooSoon):
		return p, gate.BadProgram, err
	case errors.Is(err, session.ErrNone):
		return gate.Subject{}, gate.SignedOut, nil
	}
	return gate.Subject{}, gate.Unsure, err
}

// find returns the live session that the request carries to the target: the
// session cookie's on our own host, a gate cookie's on others.
func (s *Room) find(r *http.Request, t gate.Target) (session.Session, error) {
	if s.Gate.IsSignInHost(t) {
		return s.Sessions.Find(r)
	}
	return s.Sessions.FindGate(r, session.CookieScope(s.Gate.CookieScope(t)))
}

// allow answers 200 and says who it is. Every name is sent, also with
// nothing to say: some proxies let through what the client sent for one that
// is missing. The app's own Authorization header is sent back: the proxy hands
// the app that one, or none, for it cannot tell whose the client's is. So do its cookies
// at Forward, for Traefik, which can take away all of them or none.
func (s *Room) allow(w http.ResponseWriter, r *http.Request, a gate.Request, p gate.Subject) error {
	assertion, err := s.Gate.SignIdentity(p.Key, p.Identity, p.How, a.Host)
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
	if a.Kind == gate.Forward {
		if others := appCookies(r.Header["Cookie"]); others != "" {
			h["Cookie"] = []string{others}
		}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// JWKS answers GET /.well-known/jwks.json: the keys that verify Remote-Identity.
func (s *Room) JWKS(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(s.Gate.JWKS())
	return nil
}
