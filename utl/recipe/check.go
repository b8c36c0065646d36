package recipe

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"glassjar/utl/hosts"
	"glassjar/utl/identity"
)

// These contain no character with a meaning to a proxy: no space, quote, brace,
// semicolon, #, $ or line break. They end in \z, because in other regexp engines $ also
// matches before a final line break.
var (
	hostsForm = regexp.MustCompile(`\A[a-z0-9._*:,\[\]-]*\z`)
	mailForm  = regexp.MustCompile(`\A[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\z`)
	pathForm  = regexp.MustCompile(`\Aunix:(/[A-Za-z0-9._-]+)+\z`)
)

// UnmarshalText parses HOST=ADDRESS, and lower-cases the host. Errors: ErrApp, ErrHost,
// ErrAddress.
func (a *App) UnmarshalText(text []byte) error {
	host, address, ok := strings.Cut(string(text), "=")
	if !ok {
		return ErrApp
	}
	*a = App{lower(host), address}
	return a.check()
}

func (a App) check() error {
	if !isHost(a.Host) {
		return fmt.Errorf("%w, and not %q", ErrHost, a.Host)
	}
	return checkAddress(a.Address)
}

// check returns an error for a value that a proxy could read as more than it is.
func (s Site) check(name string) error {
	if s.PublicURL == nil || s.Scheme() != "http" && s.Scheme() != "https" || !isHost(s.Host()) || !isPort(s.Port()) {
		return fmt.Errorf("PUBLIC_URL: %w", ErrHost)
	}
	if err := s.checkOwn(name); err != nil {
		return err
	}
	if err := checkAddress(strings.Replace(s.Listen, "*:", "all:", 1)); err != nil {
		return err
	}
	if s.Group != "" && !identity.IsGroup(s.Group) {
		return fmt.Errorf("%w, and not %q", ErrGroup, s.Group)
	}
	if !hostsForm.MatchString(s.GateHosts) {
		return fmt.Errorf("GATE_HOSTS: %w", ErrHost)
	}
	if s.MailFrom != "" && !mailForm.MatchString(s.MailFrom) {
		return ErrMail
	}
	if name == "systemd" || name == "container" {
		if err := s.checkFurther(); err != nil {
			return err
		}
	}
	seen := map[string]bool{s.Host(): true}
	for _, a := range s.Apps {
		if err := a.check(); err != nil {
			return err
		}
		if seen[a.Host] {
			return fmt.Errorf("%w: %s is there twice", ErrTwice, a.Host)
		}
		seen[a.Host] = true
	}
	return nil
}

// checkFurther checks the settings that only units and compose files print.
func (s Site) checkFurther() error {
	for _, f := range s.Further {
		if !utf8.ValidString(f.Value) || strings.ContainsFunc(f.Value, func(c rune) bool { return !unicode.IsPrint(c) }) {
			return fmt.Errorf("%s: %w", f.Name, ErrSetting)
		}
	}
	return nil
}

// checkOwn checks glassjar's own address: host:port, or a Unix socket if the recipe's proxy
// can connect to one.
func (s Site) checkOwn(name string) error {
	if !strings.HasPrefix(s.Address, "unix:/") {
		return checkAddress(s.Address)
	}
	if !overSocket[name] {
		return ErrSocket
	}
	if !pathForm.MatchString(s.Address) {
		return fmt.Errorf("%w, and not %q", ErrPath, s.Address)
	}
	return nil
}

// isHost reports whether the text is a host name or an IPv4 address, in lower case (RFC
// 1123, section 2.1, and also _).
func isHost(text string) bool { return hosts.IsName(text) && lower(text) == text }

func isPort(colonPort string) bool {
	return colonPort == "" || checkAddress("host"+colonPort) == nil
}

// checkAddress returns ErrAddress unless the text is host:port, with brackets around IPv6.
func checkAddress(text string) error {
	if !hosts.IsAddress(text) {
		return fmt.Errorf("%w, and not %q", ErrAddress, text)
	}
	return nil
}

// lower lower-cases A to Z only: some other letters become ASCII in lower case.
func lower(text string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, text)
}
