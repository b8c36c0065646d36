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
	deadline = 15 * time.Second // time limit for requests other than GET and HEAD
	maxBody  = 64 << 10         // bytes of a request's body
)

// Info is the state of a request.
type Info struct {
	id      string
	Began   time.Time // when the request arrived
	Address netip.Addr
	Proxied bool            // whether the peer is in TRUSTED_PROXIES
	Session session.Session // zero until CurrentSession has found it
	form    url.Values      // set by ReadForm, for the debug log
	answer  answerWriter
}

type infoKey struct{}

// InfoOf returns the state of the request.
func InfoOf(r *http.Request) *Info {
	v, _ := r.Context().Value(infoKey{}).(*Info)
	return v
}

// middleware wraps the routes with what every request needs: an id, one log line, recovery
// from panics, the security headers, the check for cross-origin POSTs, and a time limit for
// requests that may hash a password or write. GETs only read, and the database limits the
// time of each read.
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

// warnOfProxy logs, once, that a proxy is not trusted: then all its clients have the proxy's
// address, and share the count of failed sign-ins.
func (s *Site) warnOfProxy(r *http.Request, v *Info) {
	if !v.Proxied && r.Header["X-Forwarded-For"] != nil {
		s.warned.Do(func() {
			s.Log.WarnContext(r.Context(), "X-Forwarded-For is not believed: its sender is not in TRUSTED_PROXIES", "ip", r.RemoteAddr)
		})
	}
}

// serve checks where the request came from, and calls its route. Errors that net/http
// itself would send as plain text become pages of the site.
func (s *Site) serve(a *answerWriter, r *http.Request) {
	if !s.isOurHost(r) && !s.answersEveryHost(r) {
		_ = s.misdirect(a) // rendering cannot fail: New rendered the template
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
		r.Body = http.MaxBytesReader(a.ResponseWriter, r.Body, maxBody) // needs net/http's own writer, to close the connection
	}
	s.mux.ServeHTTP(a, r)
	if err := a.intercepted; err != nil {
		a.intercepted = nil
		s.renderError(a, r, err)
	}
}

// sameOrigin returns errCrossOrigin for a request that may change something and was sent by
// another site's page, or has one of the site's cookies and no header that says where it
// came from.
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

// csp is the Content-Security-Policy of the site's pages: style sheet, script, images and
// forms only from and to the site itself.
const csp = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// CSPLeaving is for a page whose form leads to a gate host: Chromium applies form-action also
// to redirects after the form, and the app may redirect anywhere.
const CSPLeaving = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// The values of headers that all responses share. The slices must not be modified.
var (
	cspValue          = []string{csp}
	noSniff           = []string{"nosniff"}
	sameSite          = []string{"same-origin"}
	originOnly        = []string{"strict-origin"}
	permissionsPolicy = []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}
	noStore           = []string{"no-store"}
	hsts              = []string{"max-age=31536000"}
)

// secure sets the headers of every response; handlers may change them.
func (s *Site) secure(h http.Header, r *http.Request) {
	h["Content-Security-Policy"] = cspValue
	h["X-Content-Type-Options"] = noSniff
	h["Cross-Origin-Opener-Policy"] = sameSite
	h["Cross-Origin-Resource-Policy"] = sameSite
	h["Referrer-Policy"] = sameSite
	if holdsCode(r.URL.Path) {
		h["Referrer-Policy"] = originOnly // the path contains the link's code; with no-referrer, browsers send "Origin: null" with forms over http
	}
	h["Permissions-Policy"] = permissionsPolicy
	h["Cache-Control"] = noStore
	if s.HTTPS && !s.onAppHosts(r.URL.Path) { // not on an app's host, which may not want HSTS
		h["Strict-Transport-Security"] = hsts
	}
}

// holdsCode reports whether the path contains a link's code.
func holdsCode(path string) bool {
	return strings.HasPrefix(path, "/join/") || strings.HasPrefix(path, "/reset/") || strings.HasPrefix(path, "/confirm/") || strings.HasPrefix(path, "/lock/") || strings.HasPrefix(path, "/signup/")
}

// recover logs a panic and responds with the 500 page. If a part of the response was sent
// already, it aborts the connection, so that no partial page looks complete.
func (s *Site) recover(a *answerWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value is not wrapped
		panic(p)
	}
	s.Log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("id", InfoOf(r).id),
		slog.String("error", OneLine(fmt.Sprint(p), 512)), slog.String("stack", string(debug.Stack())))
	if a.status != 0 {
		panic(http.ErrAbortHandler)
	}
	s.renderError(a, r, fmt.Errorf("panic: %v", p))
}

// logLine logs the request in one line, without its query, cookies, form and link code. It
// creates the record itself: slog.Logger would look up the source line, which costs more
// than the rest.
func (s *Site) logLine(a *answerWriter, v *Info, began time.Time) {
	r, route, now := a.r, a.route(), s.Now()
	if s.observe != nil {
		s.observe(route, a.status, now.Sub(began))
	}
	if h := s.lines.of(logKey{logMethod(r.Method), route, a.status}); h.Enabled(r.Context(), slog.LevelInfo) {
		line := slog.NewRecord(now, slog.LevelInfo, "request", 0)
		line.AddAttrs(slog.Duration("took", now.Sub(began)), slog.String("id", v.id),
			slog.String("account", v.Session.Username), slog.String("ip", v.Address.String()))
		line.AddAttrs(traced(r, v.Proxied)...)
		_ = h.Handle(r.Context(), line) // a failing log cannot be logged
	}
	if s.Log.Enabled(r.Context(), slog.LevelDebug) {
		s.Log.LogAttrs(r.Context(), slog.LevelDebug, "request read",
			slog.String("id", v.id), slog.String("method", logMethod(r.Method)),
			slog.String("args", masked(r.URL.Query())), slog.String("form", masked(v.form)))
	}
}

// logPrefixes has handlers whose first attributes are already formatted.
type logPrefixes struct {
	log slog.Handler
	mu  sync.Mutex                              // held while all is replaced
	all atomic.Pointer[map[logKey]slog.Handler] // replaced as a whole, never modified
}

// logKey identifies the first attributes of a line. Visitors cannot create new keys.
type logKey struct {
	method, route string
	status        int
}

// of returns the handler with the attributes of the key, which it creates if necessary.
func (l *logPrefixes) of(b logKey) slog.Handler {
	if h := (*l.all.Load())[b]; h != nil {
		return h
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.method = strings.Clone(b.method) // else it would keep the request's memory alive
	h := l.log.WithAttrs([]slog.Attr{slog.String("method", b.method), slog.String("route", b.route), slog.Int("status", b.status)})
	all := maps.Clone(*l.all.Load())
	all[b] = h
	l.all.Store(&all)
	return h
}

// logMethod returns the method if HTTP defines it, and else "other", so that the log has no words
// that visitors make up.
func logMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "other"
}

// masked formats values for the debug log: choices that a form offers as they are, and a
// mask for everything that was typed.
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

// OneLine returns the first n bytes of the text as one line of printable UTF-8. It is a copy,
// so that whoever keeps it does not keep the request's memory alive.
func OneLine(text string, n int) string {
	return strings.Clone(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text[:min(len(text), n)]))
}
