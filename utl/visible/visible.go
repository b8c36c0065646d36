// Package visible has the only list of what may be shown of a request: by the lab, to the
// visitor who sent it, and by the log. Everything that is not on the list counts as a
// secret, also a field that is added later.
package visible

import (
	"slices"
	"strings"
)

// Mask replaces a value that is not shown. It does not reveal the value's length.
const Mask = "•••"

// fields are the args and form fields that the lab shows, by name. Listed values are
// choices that a form offers, which nobody types, so that the log shows them too.
var fields = map[string][]string{
	"colour":   nil,
	"do":       {"add", "change", "clear", "pop", "show", "sign"},
	"key":      nil, // a name in the lab's session
	"name":     nil,
	"payload":  nil,
	"remember": {"1"},
	"shown":    {"1"},
	"sub1":     nil,
	"username": nil,
	"value":    nil,
}

// headers are the request headers that contain no secret, by canonical name. Cookie has a
// rule of its own, see [Cookie].
var headers = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Length", "Content-Type", "Dnt",
	"Forwarded", "Host", "If-Modified-Since", "If-None-Match", "Keep-Alive", "Origin", "Pragma", "Priority", "Referer",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-Storage-Access", "Sec-Fetch-User", "Sec-Gpc", "Sec-Purpose",
	"Te", "Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Proto", "X-Forwarded-Uri", "X-Real-Ip", "X-Request-Id",
}

// Field reports whether the lab shows the values of an arg or a form field of
// this name.
func Field(name string) bool {
	_, ok := fields[name]
	return ok
}

// Choice reports whether the log shows this value of an arg or a form field: it is one of
// the choices that a form offers. The log shows nothing that people type, because they
// may type a password into any field.
func Choice(name, value string) bool { return slices.Contains(fields[name], value) }

// Header reports whether the lab shows the values of a header with this canonical name.
// Args of a URL in such a value are subject to [Field].
func Header(name string) bool {
	return slices.Contains(headers, name) || strings.HasPrefix(name, "Sec-Ch-")
}

// Cookie reports whether the lab shows the value of a cookie with this name: only its own.
func Cookie(name string) bool { return name == "lab" }
