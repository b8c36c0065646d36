package app

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"glassjar/utl/hosts"
	"glassjar/utl/identity"
)

const (
	maxURL    = 1000 // bytes of a link
	maxGroups = 32   // of an app
)

var (
	// ErrUnknown means that there is no such app.
	ErrUnknown = errors.New("there is no such app")
	// ErrName means that the name is malformed.
	ErrName = errors.New("an app's name is 1 to 64 characters on one line")
	// ErrHost means that the host is malformed.
	ErrHost = errors.New("a host is a name like app.example, or *.apps.example for all below one, perhaps with a port, and nothing else of an address")
	// ErrSuffix means that the host is a public suffix, below which strangers register hosts.
	ErrSuffix = errors.New("below this name strangers have hosts of their own: take one of yours")
	// ErrOwn means that the host is the one where people sign in.
	ErrOwn = errors.New("this is the host where people sign in: an app needs a host of its own")
	// ErrTaken means that another app has the host name, on this port or another.
	ErrTaken = errors.New("another app has this host: a client chooses the port, so two apps need two names")
	// ErrUpstream means that the upstream address is malformed.
	ErrUpstream = errors.New("the address where the app runs is host:port, like 127.0.0.1:9092")
	// ErrURL means that the link is not a URL on the app's host.
	ErrURL = errors.New("the link is a URL on the app's own host, like https://app.example/")
	// ErrScheme means that the link is http where people sign in over https: the gate, whose
	// cookies would go over http, lets nobody pass there.
	ErrScheme = errors.New("people sign in over https, so the app's link is https too")
	// ErrGroups means that the name of a group is malformed, or that there are too many.
	ErrGroups = errors.New("a group is 1 to 32 of a to z, 0 to 9 and . _ - and starts with a letter or a digit; an app has 32 at most")
	// ErrLevel means that the level is neither 1 nor 2.
	ErrLevel = errors.New("the level is 1 or 2")
	// ErrPrograms means that the app demands two factors and also accepts app passwords,
	// which are one factor.
	ErrPrograms = errors.New("an app password is one factor, so none passes where a second is asked for: choose one of the two")
	// ErrMany means that there are MaxApps apps already.
	ErrMany = errors.New("there are 500 apps already, and more cannot be kept")
)

// check returns the app as it is stored, once its values are valid. Errors: ErrName,
// ErrHost, ErrSuffix, ErrOwn, ErrUpstream, ErrURL, ErrScheme, ErrLevel, ErrPrograms, ErrGroups.
func (s *Store) check(a App) (App, error) {
	a.Name, a.Host = strings.TrimSpace(a.Name), strings.TrimSpace(a.Host)
	a.Upstream, a.URL = strings.TrimSpace(a.Upstream), strings.TrimSpace(a.URL)
	n := utf8.RuneCountInString(a.Name)
	if n < 1 || n > 64 || !utf8.ValidString(a.Name) || strings.ContainsFunc(a.Name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return a, ErrName
	}
	p, ok := hosts.ParsePattern(a.Host)
	if !ok {
		return a, ErrHost
	}
	a.Host = p.String()
	switch {
	case isPublicSuffix(p):
		return a, ErrSuffix
	case strings.Trim(hostName(a.Host), "[]") == s.Own:
		return a, ErrOwn
	case a.Upstream != "" && !hosts.IsAddress(a.Upstream):
		return a, ErrUpstream
	case a.URL != "" && s.checkLink(a.URL, p) != nil:
		return a, s.checkLink(a.URL, p)
	case a.Level != 1 && a.Level != 2:
		return a, ErrLevel
	case a.Level == 2 && a.Programs:
		return a, ErrPrograms
	}
	a.Groups = slices.Compact(slices.Sorted(slices.Values(a.Groups)))
	if len(a.Groups) > maxGroups || slices.ContainsFunc(a.Groups, func(g string) bool { return !identity.IsGroup(g) }) {
		return a, ErrGroups
	}
	return a, nil
}

// hostName returns the host without its port: two apps must differ in it.
func hostName(host string) string {
	p, _ := hosts.ParsePattern(host)
	if p.Parent() != "" {
		return "*." + p.Name()
	}
	return p.Name()
}

// isPublicSuffix reports whether the pattern's name is a public suffix, such as co.uk or
// github.io, below which anybody may register names. localhost and other names without a
// dot that are not on the list are not.
func isPublicSuffix(p hosts.Pattern) bool {
	if _, err := netip.ParseAddr(strings.Trim(p.Name(), "[]")); err == nil {
		return false
	}
	suffix, listed := publicsuffix.PublicSuffix(p.Name())
	return suffix == p.Name() && (listed || strings.Contains(suffix, "."))
}

// checkLink checks that the text is an http or https URL, without a user, on one of the
// pattern's hosts and not on the one where people sign in, and https if they sign in over
// https. Errors: ErrURL, ErrScheme.
func (s *Store) checkLink(text string, p hosts.Pattern) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.User != nil || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" {
		return ErrURL
	}
	name, port, ok := hosts.Split(u.Host)
	if port == "" {
		port, _ = hosts.OwnPort(u.Scheme)
	}
	if !ok || !p.Matches(name, port) || name == s.Own || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return ErrURL
	}
	if s.Secure && u.Scheme == "http" {
		return ErrScheme
	}
	return nil
}

// Link returns the URL of the host's first page, or "" if the host is a pattern for many.
func Link(host, scheme string) string {
	p, ok := hosts.ParsePattern(strings.TrimSpace(host))
	if !ok || p.Parent() != "" {
		return ""
	}
	return scheme + "://" + p.String() + "/"
}
