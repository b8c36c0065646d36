package web

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"glassjar/utl/clientip"
	"glassjar/utl/session"
	"glassjar/utl/visible"
)

const (
	deadline = 15 * time.Second // of the work for a request that is no GET
	maxBody  = 64 << 10
)

// Info is what is known of a request on its way through.
type Info struct {
	id      string
	Began   time.Time // when the request came
	Address netip.Addr
	Proxied bool            // the peer is in TRUSTED_PROXIES
	Session session.Session // set by who
	form    url.Values      // set by ReadForm, for the debug log
	answer  answerWriter
}

type infoKey struct{}

// InfoOf returns what is known of the request.
func InfoOf(r *http.Request) *Info {
	v, _ := r.Context().Value(infoKey{}).(*Info)
	return v
}

// middleware puts what every request passes around the routes: an id, one log
// line, recovery, the security headers, the check of where a POST came from,
// and a deadline for what may hash a password or write. A GET reads alone, and
// the database bounds each read itself.
func (s *Site) middleware() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		v := &Info{id: s.ids.next(), Began: began}
		v.Address, v.Proxied = clientip.From(r.RemoteAddr, r.Header["X-Forwarded-For"], s.trustedProxies)
		ctx := context.WithValue(r.Context(), infoKey{}, v)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(ctx, deadline)
			defer stop()
		}
		r = r.WithContext(ctx)
		a := &v.answer
		a.ResponseWriter, a.r = w, r
		defer s.logLine(a, v, began)
		defer s.recover(a, r)
		s.secure(w.Header(), r)
		s.warnOfProxy(r, v)
		s.serve(a, r)
	})
}

// warnOfProxy warns, once, of a proxy that is not trusted: behind it everybody
// has its one address, and everybody's failed sign-ins count for all.
func (s *Site) warnOfProxy(r *http.Request, v *Info) {
	if !v.Proxied && r.Header["X-Forwarded-For"] != nil {
		s.warned.Do(func() {
			s.Log.WarnContext(r.Context(), "X-Forwarded-For is not believed: its sender is not in TRUSTED_PROXIES", "ip", r.RemoteAddr)
		})
	}
}

// serve checks where the request came from and hands it to its route. What
// net/http refuses by itself becomes a page of ours.
func (s *Site) serve(a *answerWriter, r *http.Request) {
	if !s.isOurHost(r) && !s.answersEveryHost(r) {
		_ = s.misdirect(a) // the template is tested
		return
	}
	if headerBytes(r) > maxHeader {
		_ = s.refuseHeader(a, r)
		return
	}
	if err := s.sameOrigin(r); err != nil && !s.onAppHosts(r.URL.Path) {
		s.renderError(a, r, err)
		return
	}
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(a.ResponseWriter, r.Body, maxBody) // net/http's own: it closes the connection
	}
	s.mux.ServeHTTP(a, r)
	if err := a.held; err != nil {
		a.held = nil
		s.renderError(a, r, err)
	}
}

// sameOrigin returns errCrossOrigin for a request that may change something
// and that another site's page sent, or that carries a cookie of ours and
// tells nothing of where it came from.
func (s *Site) sameOrigin(r *http.Request) error {
	if err := s.csrf.Check(r); err != nil {
		return fmt.Errorf("%w: %w", errCrossOrigin, err)
	}
	if r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" &&
		len(r.CookiesNamed(s.sessions.Name()))+len(r.CookiesNamed(s.devices.Name()))+len(r.CookiesNamed(s.PendingCookie())) > 0 {
		return errCrossOrigin
	}
	return nil
}

// csp is what our own pages may load and do. A sheet, a script and
// an icon of ours, and forms that go to us.
const csp = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// CSPLeaving is for a page whose form leads to a gate host: Chromium holds the
// redirect after a form to form-action too, and an app may redirect further to where
// we do not know.
const CSPLeaving = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// The values of headers that every answer shares. They are replaced, never
// changed.
var (
	cspValue          = []string{csp}
	noSniff           = []string{"nosniff"}
	sameSite          = []string{"same-origin"}
	originOnly        = []string{"strict-origin"}
	permissionsPolicy = []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}
	noStore           = []string{"no-store"}
	hsts              = []string{"max-age=31536000"}
)

// secure sets the headers that every answer carries; a handler may change
// them.
func (s *Site) secure(h http.Header, r *http.Request) {
	h["Content-Security-Policy"] = cspValue
	h["X-Content-Type-Options"] = noSniff
	h["Cross-Origin-Opener-Policy"] = sameSite
	h["Cross-Origin-Resource-Policy"] = sameSite
	h["Referrer-Policy"] = sameSite
	if holdsCode(r.URL.Path) {
		h["Referrer-Policy"] = originOnly // the path holds the link's code; with no-referrer, a form over http has "Origin: null"
	}
	h["Permissions-Policy"] = permissionsPolicy
	h["Cache-Control"] = noStore
	if s.HTTPS && !s.onAppHosts(r.URL.Path) { // an app's host is not ours to bind
		h["Strict-Transport-Security"] = hsts
	}
}

// holdsCode reports whether the path holds a link's code.
func holdsCode(path string) bool {
	return strings.HasPrefix(path, "/join/") || strings.HasPrefix(path, "/reset/") || strings.HasPrefix(path, "/confirm/") || strings.HasPrefix(path, "/lock/") || strings.HasPrefix(path, "/signup/")
}

// recover turns a panic into a logged error and the 500 page, if nothing was
// sent yet; else it breaks the connection off, so that no half page looks
// whole.
func (s *Site) recover(a *answerWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value is no error to unwrap
		panic(p)
	}
	s.Log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("id", InfoOf(r).id),
		slog.String("error", OneLine(fmt.Sprint(p), 512)), slog.String("stack", string(debug.Stack())))
	if a.status != 0 {
		panic(http.ErrAbortHandler)
	}
	s.renderError(a, r, fmt.Errorf("panic: %v", p))
}

// logLine writes the request's one line: nothing of its query, cookies, form
// or link code. It makes the record itself: slog would look up which line of
// the program writes it, which costs more than the rest.
func (s *Site) logLine(a *answerWriter, v *Info, began time.Time) {
	r, route, now := a.r, a.route(), s.Now()
	if s.observe != nil {
		s.observe(route, a.status, now.Sub(began))
	}
	if h := s.lines.of(logKey{known(r.Method), route, a.status}); h.Enabled(r.Context(), slog.LevelInfo) {
		line := slog.NewRecord(now, slog.LevelInfo, "request", 0)
		line.AddAttrs(slog.Duration("took", now.Sub(began)), slog.String("id", v.id),
			slog.String("account", v.Session.Username), slog.String("ip", v.Address.String()))
		line.AddAttrs(traced(r, v.Proxied)...)
		_ = h.Handle(r.Context(), line) // there is nowhere to say that the log fails
	}
	if s.Log.Enabled(r.Context(), slog.LevelDebug) {
		s.Log.LogAttrs(r.Context(), slog.LevelDebug, "request read",
			slog.String("id", v.id), slog.String("method", known(r.Method)),
			slog.String("args", masked(r.URL.Query())), slog.String("form", masked(v.form)))
	}
}

// logPrefixes are the beginnings of log lines, formatted once. Requests read the
// map without a lock, and nobody changes it: a new prefix makes a new map.
type logPrefixes struct {
	log slog.Handler
	mu  sync.Mutex // of those who make a new map
	all atomic.Pointer[map[logKey]slog.Handler]
}

// logKey is how a line begins. No visitor can make up a new one.
type logKey struct {
	method, route string
	status        int
}

func (l *logPrefixes) of(b logKey) slog.Handler {
	if h := (*l.all.Load())[b]; h != nil {
		return h
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.method = strings.Clone(b.method) // it is a part of the request's first line
	h := l.log.WithAttrs([]slog.Attr{slog.String("method", b.method), slog.String("route", b.route), slog.Int("status", b.status)})
	all := maps.Clone(*l.all.Load())
	all[b] = h
	l.all.Store(&all)
	return h
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

// masked writes the values for the debug log: those that a form offers, and a
// mask for whatever was typed.
func masked(values url.Values) string {
	shown := url.Values{}
	for name, all := range values {
		for _, v := range all {
			if !visible.Choice(name, v) {
				v = visible.Mask
			}
			shown.Add(OneLine(name, 64), OneLine(v, 128))
		}
	}
	text, err := url.QueryUnescape(shown.Encode())
	if err != nil {
		return "unreadable"
	}
	return OneLine(text, 512)
}

// OneLine returns the first n bytes of the text as valid UTF-8 on one line: a
// copy, because what keeps it must not keep all that the request brought.
func OneLine(text string, n int) string {
	return strings.Clone(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text[:min(len(text), n)]))
}
