// Package visible is the one list of what may be shown of a request: by the
// lab, to the visitor who sent it, and by the log. What is not in the list is
// secret, so a field that is new is secret until somebody adds it here.
package visible

import (
	"slices"
	"strings"
)

// Mask stands for a value that is not shown. It says nothing of its length.
const Mask = "•••"

// fields are the args and form fields that the lab shows, by name. Those with
// values are choices: nobody types them, so the log shows these values too.
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

// headers are the request headers that hold no secret, by canonical name. A
// Cookie header has its own rule, see [Cookie].
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

// Choice reports whether the log shows this value of an arg or a form field:
// it is one of a few that a form offers. What people type is in no log, since
// a password may be typed into any field.
func Choice(name, value string) bool { return slices.Contains(fields[name], value) }

// Header reports whether the lab shows the values of a header of this canonical
// name. Args in a value that is an address are fields.
func Header(name string) bool {
	return slices.Contains(headers, name) || strings.HasPrefix(name, "Sec-Ch-")
}

// Cookie reports whether the lab shows the value of a cookie of this name: its
// own alone.
func Cookie(name string) bool { return name == "lab" }
