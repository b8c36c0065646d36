package doctor

// advice is what a finding means, and what to change.
type advice struct{ means, change string }

// What the attacks of a stranger find.
var (
	openPage = advice{
		"The page is open: everybody gets it, signed in or not.",
		"The proxy must ask the gate before it lets a request through (nginx: auth_request; Caddy: forward_auth). Start from: glassjar recipe.",
	}
	letsIn = advice{
		"Whoever sends this header gets in, as anybody.",
		"The proxy must ask the gate whatever the client says, and take Remote-… away from it, also with any other sign in the place of - " +
			"(Remote_…, Remote~…; Caddy: request_header -*Remote* in a route, before forward_auth).",
	}
	believesAddress = advice{
		"Whoever sends this header gets in: the proxy takes the client's word for its address.",
		"The proxy must believe it only from proxies in front of it (nginx: set_real_ip_from; Caddy: trusted_proxies).",
	}
	openMethod = advice{
		"Whoever uses this method gets in: requests like this one reach the app without a sign-in.",
		"The proxy must ask the gate for every method (nginx: no limit_except around auth_request; Caddy: no method matcher on forward_auth).",
	}
	openScript = advice{
		"Whoever says that a script or a socket asks gets in.",
		"The proxy must ask the gate whatever a request says of itself: for scripts and sockets too.",
	}
	openPath = advice{
		"Whoever spells the path so gets in: the proxy has a rule that takes it for another.",
		"The proxy must ask the gate for every path (nginx: auth_request in the server; Caddy: forward_auth without a path matcher). " +
			"If it leaves one open, it must resolve dots and %-codes before it compares, and send the app the result.",
	}
	openGate = advice{
		"Strangers can ask the gate themselves, as if they were the proxy.",
		"On this host the proxy must send no more than /gate/callback to glassjar (nginx: internal), " +
			"and take X-Original-… and X-Forwarded-… away from what the client sends.",
	}
	signsInScripts = advice{
		"Nobody gets in, but a script is sent to a sign-in page, which it cannot use.",
		"Answer it 401 (Caddy: ask /gate/forward; nginx: redirect only where Sec-Fetch-Mode is navigate).",
	}
	otherPath = advice{
		"Nobody gets in, but the gate is asked about another path than the app would be.",
		"Tell the gate the path as it came (nginx: $request_uri, not $uri).",
	}
)

// What is found with an app password.
var (
	handsForged = advice{
		"The app gets what the client says of who it is: who may pass is anybody.",
		"The proxy must take Remote-… away from the client, also with any other sign in the place of - (Remote_…, Remote~…), " +
			"and set it from the gate's answer (nginx: proxy_set_header; Caddy: request_header -*Remote* in a route, before forward_auth).",
	}
	handsPassword = advice{
		"The app gets the app password, and could use it elsewhere.",
		"The proxy must take Authorization away when it passes an app password on.",
	}
	switchesProtocol = advice{
		"What follows on that connection reaches the app past the proxy, with any Remote-…: who may pass is anybody.",
		"The proxy must take Upgrade away unless it says websocket and no more (nginx: map $http_upgrade; Caddy: request_header -Upgrade).",
	}
	handsCookies = advice{
		"The app gets glassjar's cookies, and could use them.",
		"The proxy must take them out of Cookie when it passes a request on.",
	}
)

// What could not be seen from outside.
var (
	unanswered = advice{
		"It may have been refused, or it may have reached the app and broken it.",
		"Look into the app's log: if the request is there, it got through.",
	}
	unseen = advice{
		"What the app got cannot be seen in its answer.",
		"Examine a page that shows the headers of its request, or look into the app's log.",
	}
	ambiguous = advice{
		"The gate may have refused it, or the app may have got it and answered so itself.",
		"Look into the app's log: if the request is there, it got through. A page that the app answers with 200 shows more.",
	}
)

func believes(header string) advice {
	return advice{
		"The gate believes what the client says of its request, and may judge another one than the app gets.",
		"The proxy must set what it tells the gate, and take away " + header + " where it does not set it.",
	}
}
