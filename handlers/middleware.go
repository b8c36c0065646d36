package handlers

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"

	"glassjar/utl/clientip"
	"glassjar/utl/session"
)

const (
	deadline = 15 * time.Second // of a request's work
	maxBody  = 64 << 10
)

// visit is one request, on its way through.
type visit struct {
	id      string
	address netip.Addr
	session *session.Session // set by who
	form    url.Values       // set by readForm, for the debug log
}

type visitKey struct{}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// middleware puts what every request passes around the routes: an id and a
// deadline, one log line, recovery, the security headers, the check of where a
// POST came from.
func (s *site) middleware() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		v := &visit{id: rand.Text()[:12], address: clientip.From(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), s.TrustedProxies)}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), visitKey{}, v), deadline)
		defer cancel()
		r = r.WithContext(ctx)
		a := &answerWriter{ResponseWriter: w, r: r}
		defer s.logLine(a, v, began)
		defer s.recover(a, r)
		s.secure(w.Header(), r)
		s.warnOfProxy(r)
		s.serve(a, r)
	})
}

// warnOfProxy warns, once, of a proxy that is not trusted: behind it everybody
// has its one address, and everybody's failed sign-ins count for all.
func (s *site) warnOfProxy(r *http.Request) {
	if r.Header.Get("X-Forwarded-For") != "" && !clientip.Trusted(r.RemoteAddr, s.TrustedProxies) {
		s.warned.Do(func() {
			s.Log.WarnContext(r.Context(), "X-Forwarded-For is not believed: its sender is not in TRUSTED_PROXIES", "ip", r.RemoteAddr)
		})
	}
}

// serve checks where the request came from and hands it to its route. What
// net/http refuses by itself becomes a page of ours.
func (s *site) serve(a *answerWriter, r *http.Request) {
	if err := s.sameOrigin(r); err != nil && !isGate(r.URL.Path) {
		s.fail(a, r, err)
		return
	}
	r.Body = http.MaxBytesReader(a.ResponseWriter, r.Body, maxBody) // net/http's own: it closes the connection
	s.mux.ServeHTTP(a, r)
	if err := a.held; err != nil {
		a.held = nil
		s.fail(a, r, err)
	}
}

// sameOrigin returns errCrossOrigin for a request that may change something
// and that another site's page sent, or that carries a cookie of ours and
// tells nothing of where it came from.
func (s *site) sameOrigin(r *http.Request) error {
	if err := s.csrf.Check(r); err != nil {
		return fmt.Errorf("%w: %w", errCrossOrigin, err)
	}
	if r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" &&
		len(r.CookiesNamed(s.Sessions.Name()))+len(r.CookiesNamed(s.Devices.Name())) > 0 {
		return errCrossOrigin
	}
	return nil
}

// contentSecurity is what our own pages may load and do. A sheet, a script and
// an icon of ours, and forms that go to us.
const contentSecurity = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secure sets the headers that every answer carries; a handler may change
// them.
func (s *site) secure(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", contentSecurity)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	if strings.HasPrefix(r.URL.Path, "/join/") || strings.HasPrefix(r.URL.Path, "/reset/") {
		h.Set("Referrer-Policy", "no-referrer") // the path holds the link's code
	}
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if s.PublicURL.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// recover turns a panic into a logged error and the 500 page, if nothing was
// sent yet; else it breaks the connection off, so that no half page looks
// whole.
func (s *site) recover(a *answerWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	s.Log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("id", visitOf(r).id),
		slog.String("error", oneLine(fmt.Sprint(p), 512)), slog.String("stack", string(debug.Stack())))
	if a.status != 0 {
		panic(http.ErrAbortHandler)
	}
	s.fail(a, r, fmt.Errorf("panic: %v", p))
}

// logLine writes the request's one line: nothing of its query, cookies, form
// or link code.
func (s *site) logLine(a *answerWriter, v *visit, began time.Time) {
	r, who := a.r, ""
	if v.session != nil {
		who = v.session.Username
	}
	s.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("method", known(r.Method)), slog.String("route", a.route()), slog.Int("status", a.status),
		slog.Duration("took", s.Now().Sub(began)), slog.String("id", v.id),
		slog.String("account", who), slog.String("ip", v.address.String()))
	if s.Log.Enabled(r.Context(), slog.LevelDebug) {
		s.Log.LogAttrs(r.Context(), slog.LevelDebug, "request read",
			slog.String("id", v.id), slog.String("method", known(r.Method)),
			slog.String("args", masked(r.URL.Query())), slog.String("form", masked(v.form)))
	}
}

// known returns the method if HTTP has it: a log is no place for words that a
// visitor makes up.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "other"
}

// masked writes the values for the debug log: those of fields that hold no
// secret as they are, all others as dots.
func masked(values url.Values) string {
	shown := url.Values{}
	for name, all := range values {
		for _, v := range all {
			if !slices.Contains([]string{"username", "next", "remember"}, name) {
				v = "•••"
			}
			shown.Add(oneLine(name, 64), oneLine(v, 128))
		}
	}
	text, err := url.QueryUnescape(shown.Encode())
	if err != nil {
		return "unreadable"
	}
	return oneLine(text, 512)
}

// oneLine returns the first n bytes of the text as valid UTF-8 on one line.
func oneLine(text string, n int) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text[:min(len(text), n)])
}
