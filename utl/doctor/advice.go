package doctor

// advice is what a finding means, and how to fix it.
type advice struct{ means, fix string }

// Findings of attacks without a sign-in.
var (
	openPage = advice{
		"The page is open: everybody gets it, signed in or not.",
		"The proxy must ask the gate before it lets a request through (nginx: auth_request; Caddy: forward_auth). Start from: glassjar recipe.",
	}
	letsIn = advice{
		"Anybody who sends this header gets in, under any name.",
		"The proxy must ask the gate for every request, and remove Remote-… from what the client sends, also with any other sign in place of the - " +
			"(Remote_…, Remote~…; Caddy: request_header -*Remote* in a route, before forward_auth).",
	}
	believesAddress = advice{
		"Anybody who sends this header gets in: the proxy trusts the client's own statement of its address.",
		"The proxy must believe it only from proxies in front of it (nginx: set_real_ip_from; Caddy: trusted_proxies).",
	}
	openMethod = advice{
		"Requests with this method reach the app without a sign-in.",
		"The proxy must ask the gate for every method (nginx: no limit_except around auth_request; Caddy: no method matcher on forward_auth).",
	}
	openScript = advice{
		"Requests that look like a script's or a WebSocket's reach the app without a sign-in.",
		"The proxy must ask the gate for every request, those of scripts and WebSockets too.",
	}
	openPath = advice{
		"With this spelling of the path anybody gets in: a rule of the proxy takes it for another path.",
		"The proxy must ask the gate for every path (nginx: auth_request in the server; Caddy: forward_auth without a path matcher). " +
			"If a path is meant to be open, the proxy must resolve dots and %-codes before it compares, and send the app the result.",
	}
	openGate = advice{
		"Strangers can ask the gate themselves, as if they were the proxy.",
		"On this host the proxy must pass only /gate/callback to glassjar (nginx: internal), " +
			"and remove X-Original-… and X-Forwarded-… from what the client sends.",
	}
	signsInScripts = advice{
		"Nobody gets in, but a script is redirected to a sign-in page, which it cannot use.",
		"The proxy should answer a script with 401 (Caddy: ask /gate/forward; nginx: redirect only where Sec-Fetch-Mode is navigate).",
	}
	otherPath = advice{
		"Nobody gets in, but the proxy asks the gate about another path than the app would get.",
		"The proxy should pass the gate the path as the client sent it (nginx: $request_uri, not $uri). " +
			"Traefik resolves it for the app too: there it is no fault.",
	}
)

// Findings of attacks with an app password.
var (
	handsForged = advice{
		"The app gets the identity that the client claims: whoever may pass can pass as anybody.",
		"The proxy must remove Remote-… from what the client sends, also with any other sign in place of the - (Remote_…, Remote~…), " +
			"and set it from the gate's answer (nginx: proxy_set_header; Caddy: request_header -*Remote* in a route, before forward_auth).",
	}
	handsPassword = advice{
		"The app gets the app password, and could use it elsewhere.",
		"The proxy must remove Authorization from a request that it passes on with an app password.",
	}
	switchesProtocol = advice{
		"Further requests on that connection reach the app unchecked, with any Remote-…: whoever may pass can pass as anybody.",
		"The proxy must remove Upgrade unless its value is exactly websocket (nginx: map $http_upgrade; Caddy: request_header -Upgrade).",
	}
	handsCookies = advice{
		"The app gets glassjar's cookies, and could use them.",
		"The proxy must remove them from Cookie when it passes a request on.",
	}
)

// Findings that cannot be decided from outside.
var (
	unanswered = advice{
		"The request may have been refused, or it may have reached the app and failed there.",
		"Look into the app's log: if the request is there, it got through.",
	}
	unseen = advice{
		"The app's response does not show what the app got.",
		"Run the doctor on a page that shows its request's headers, or look into the app's log.",
	}
	ambiguous = advice{
		"The gate may have refused the request, or the app may have got it and given this answer itself.",
		"Look into the app's log: if the request is there, it got through. A page that the app answers with 200 shows more.",
	}
)

func believes(header string) advice {
	return advice{
		"The gate trusts this header of the client's, and may check another request than the app gets.",
		"The proxy must set the headers that it sends to the gate itself, and remove " + header + " where it does not set it.",
	}
}
