package forward

import (
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

// Answers are the responses to the gate's own errors.
var Answers = []web.Answer{
	{Err: gate.ErrBad, Status: http.StatusBadRequest, Title: "Bad request", Text: "The gate cannot read what the proxy asked, or can read it in two ways. " +
		"If you run this site, set the proxy up as the recipe for it says."},
	{
		Err: account.ErrAppPassword, Status: http.StatusUnauthorized, Title: "This app password is not right",
		Text: "The app password is wrong, revoked, expired or not for this host. Make another on your account's page.",
	},
	{
		Err: errProgram, Status: http.StatusForbidden, Title: "Not for programs",
		Text: "This opens only to people who signed in with a second factor. An app password does not count as one.",
	},
	{Err: errNoPrograms, Status: http.StatusForbidden, Title: "No app passwords here", Text: "This app takes no app passwords. Open it in a browser; the site's owner can change that."},
	{Err: errCaller, Status: http.StatusBadRequest, Title: "Proxy not trusted", Text: "The gate answers only proxies that it trusts. " +
		"If you run this site, add the proxy's address, which the log names, to TRUSTED_PROXIES."},
	{Err: gate.ErrHost, Status: http.StatusForbidden, Title: "Host not listed", Text: "The gate does not answer for this host. " +
		"If you run this site, add it as an app or to GATE_HOSTS."},
	{Err: errOverHTTP, Status: http.StatusForbidden, Title: "Open it over https", Text: "The gate lets nobody pass over http, because people sign in over https. " +
		"Open this page with https. If you run this site, let the proxy redirect http to https, and tell the gate which of them was asked for."},
	{Err: errOtherPort, Status: http.StatusForbidden, Title: "Another port", Text: "The gate answers for this host on another port only. " +
		"If you run this site, write this port into the app's host or into GATE_HOSTS, or none for all ports."},
	{
		Err: errUnsure, Status: http.StatusServiceUnavailable, Title: "Not now",
		Text: "The sign-in server cannot tell who you are at the moment. Nothing is wrong with your account. Try again in a few seconds.", RetryAfter: "5",
	},
	{
		Err: session.ErrTicket, Status: http.StatusGone, Title: "Open that page again",
		Text: "The address that signs you in there works once, for half a minute. Open the page that you wanted again.",
	},
	{
		Err: errBrowser, Status: http.StatusConflict, Title: "Your browser did not keep the cookie",
		Text: "You were to be let in, but your browser did not keep or send the cookie that shows that it asked for that. " +
			"Allow cookies for this site, then open the page that you wanted again.",
	},
}
