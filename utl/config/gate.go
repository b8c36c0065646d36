package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// gateHost is a host, or all hosts below one, and perhaps a port.
var gateHost = regexp.MustCompile(`^(\*\.)?(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?)\.?(:[0-9]{1,5})?$`)

// parseHosts reads hosts with commas between them. All that lies below a public
// suffix, such as *.com, is not one owner's.
func parseHosts(v string) (any, error) {
	var all []string
	for part := range strings.SplitSeq(v, ",") {
		host := strings.ToLower(strings.TrimSpace(part))
		found := gateHost.FindStringSubmatch(host)
		if found == nil || !isASCII(part) {
			return nil, errNotAllowed
		}
		if suffix, public := publicsuffix.PublicSuffix(found[2]); found[1] != "" && public && suffix == found[2] {
			return nil, errNotAllowed
		}
		all = append(all, host)
	}
	return all, nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c >= 0x80 })
}

// checkDomain reports whether the site at public may set a cookie for domain
// and all below it: it lies there itself, speaks https, and the domain is no
// public suffix, below which strangers have hosts.
func checkDomain(domain string, public *url.URL) bool {
	if public == nil || public.Scheme != "https" || !hostPattern.MatchString(domain) {
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
