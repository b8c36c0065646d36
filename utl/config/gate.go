package config

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"glassjar/utl/hosts"
)

// parseHosts parses host patterns separated by commas. It refuses all hosts below a public
// suffix, such as *.com, because they belong to many owners.
func parseHosts(v string) (any, error) {
	var all []string
	for part := range strings.SplitSeq(v, ",") {
		host := strings.TrimSpace(part)
		found, ok := hosts.ParsePattern(host)
		if !ok {
			return nil, errNotAllowed
		}
		parent := found.Parent()
		if suffix, public := publicsuffix.PublicSuffix(parent); parent != "" && public && suffix == parent {
			return nil, errNotAllowed
		}
		all = append(all, strings.ToLower(host))
	}
	return all, nil
}

// checkDomain reports whether the site at public may set a cookie for domain and all hosts
// below it: the site is at or below the domain, uses https, and the domain is not a public
// suffix.
func checkDomain(domain string, public *url.URL) bool {
	if public == nil || public.Scheme != "https" || !isHost(domain) {
		return false
	}
	if _, err := netip.ParseAddr(public.Hostname()); err == nil {
		return false
	}
	if _, err := publicsuffix.EffectiveTLDPlusOne(domain); err != nil {
		return false
	}
	return public.Hostname() == domain || strings.HasSuffix(public.Hostname(), "."+domain)
}
