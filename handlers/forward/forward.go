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

// IsGate reports whether proxies request the path. No request to it changes anything, and
// methods other than GET get 405: a proxy may pass on a request from another site's page.
func IsGate(path string) bool {
	return strings.HasPrefix(path, "/gate/") || strings.HasPrefix(path, "/api/authz/")
}

// IsCheck reports whether the path is that of Check.
func IsCheck(path string) bool { return path == "/gate/check" || path == "/api/authz/auth-request" }

// Check answers GET /gate/check: 200 with the identity headers, 401 with the sign-in URL in
// Location, 403, 400, or 503 if it is not known who makes the request.
func (s *Room) Check(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, gate.Check, func(a gate.Request, to, _ string) error {
		w.Header().Set("Location", to)
		unauthorized(w, a)
		return nil
	})
}

// Forward answers GET /gate/forward: like Check, but it redirects a browser that opens a
// page to the sign-in form, and sends everything else 401 with JSON.
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

// decide responds to the proxy's question whether a request may pass. It calls send if
// the person must first sign in or add a second factor.
func (s *Room) decide(w http.ResponseWriter, r *http.Request, kind gate.Kind, send func(a gate.Request, to, why string) error) error {
	q := gate.Question{Trusted: web.InfoOf(r).Proxied, Program: isForGate(r.Header["Authorization"])}
	if q.Request, q.Err = gate.ParseRequest(kind, r.Header); q.Err == nil {
		q.Demands, q.Err = readDemands(r, q.Request)
	}
	if !q.Program { // an app password was created by somebody who had two factors
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
	case gate.Unreadable, gate.Unknown, gate.Unlisted, gate.OverHTTP, gate.OtherPort, gate.NoPrograms, gate.BadProgram, gate.Unsure, gate.WrongGroup:
	}
	return s.refuse(w, r, &q, v)
}

// isAskedAgain reports whether nginx, which just got 403 from the gate, requests the same
// again for the body, because auth_request drops it. Its recipe sets a header that says
// so.
func isAskedAgain(r *http.Request, kind gate.Kind) bool {
	return kind == gate.Check && r.Header.Get("X-Original-Status") == "403"
}

// readDemands reads the args of the proxy's question. It refuses unknown args, which may
// be a misspelled group. Under Authelia's paths, Caddy sends the args of the page unless
// it is configured otherwise, so there they are ignored, and level is not supported: a
// page's own arg could not be distinguished from it, and people could add it to avoid the
// second factor.
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
		case name == "group", name == "authelia_url": // authelia_url is Authelia's, and does not say who may pass
		case name == "level" && !authelias && len(values) == 1 && (values[0] == "1" || values[0] == "2"):
			d.Level = int(values[0][0] - '0')
		default:
			return d, fmt.Errorf("%w: it knows no arg like that", gate.ErrBad)
		}
	}
	return d, nil
}

// authenticate returns who makes the request to the target: for a program, the account of
// its app password, without looking at cookies. Name and email are valid header values.
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

// find returns the live session of the request to the target: that of the session cookie
// on the sign-in host, that of the gate cookie on other hosts.
func (s *Room) find(r *http.Request, t gate.Target) (session.Session, error) {
	if s.Gate.IsSignInHost(t) {
		return s.Sessions.Find(r)
	}
	return s.Sessions.FindGate(r, session.CookieScope(s.Gate.CookieScope(t)))
}

// allow responds with 200 and the identity headers. It sends each of them, also empty
// ones: some proxies would pass on the client's own header in place of a missing one. It
// returns the app's own Authorization header, because the proxy passes on that of this
// response, or none. From Forward it returns the app's cookies too, for Traefik, which
// can remove only all cookies or none.
func (s *Room) allow(w http.ResponseWriter, r *http.Request, a gate.Request, p gate.Subject) error {
	assertion, err := s.Gate.SignIdentity(p.Key, p.Identity, p.How, a.Host)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	h, values := w.Header(), [...]string{p.Username, p.Groups, p.Name, p.Email, assertion}
	h["Remote-User"] = values[0:1:1]
	h["Remote-Groups"] = values[1:2:2]
	h["Remote-Name"] = values[2:3:3]
	h["Remote-Email"] = values[3:4:4]
	h["Remote-Identity"] = values[4:5:5]
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

// JWKS answers GET /.well-known/jwks.json: the keys that verify Remote-Identity (RFC 7517).
func (s *Room) JWKS(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(s.Gate.JWKS())
	return nil
}
