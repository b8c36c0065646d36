package apps

import (
	"fmt"
	"net"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/gate"
)

// state describes whether an app's proxy asks the gate correctly.
type state struct {
	Class string // good, wait or bad
	Title string
	Text  string
}

// stateOf describes the recent requests about an app, and says what to change if there
// were none or some were refused because of the proxy.
func stateOf(t *gate.Tally, now time.Time) state {
	refused := t.Refused(now)
	for _, one := range refused {
		title := "refused " + web.Times(one.N) + " in the last hour"
		switch one.Outcome { //nolint:exhaustive // the others are not the proxy's fault
		case gate.Untrusted:
			return state{"bad", title, untrusted(one)}
		case gate.OverHTTP:
			return state{"bad", title, "Opened over http, and people sign in over https. Let the proxy at " + peer(one.By) + " redirect http to https, and tell the gate which of them was asked for, as its recipe does."}
		}
	}
	at, by := t.Asked()
	if at.IsZero() {
		return state{"wait", "never asked", "The proxy is not set up yet, or has not asked since this server started."}
	}
	s := state{"good", "asked " + ago(at, now), "By " + peer(by) + "."}
	for _, one := range refused {
		s.Text += " In the last hour refused " + web.Times(one.N) + ": " + why[one.Outcome] + "."
	}
	return s
}

// why are the texts for why people and programs were refused.
var why = map[gate.Outcome]string{
	gate.OtherPort:  "opened on another port than the app’s",
	gate.NoPrograms: "an app password, which the app does not take",
	gate.BadProgram: "an app password that is not good",
	gate.WrongGroup: "a person in none of the groups",
	gate.LowLevel:   "a session without a second factor",
}

// stranger is what was refused for hosts of no app.
type stranger struct {
	Title, Text string
	Host        string // the host to add; empty: none
}

// strangers describes what was refused and belongs to no app, and what to change.
func strangers(all []gate.Refusal, now time.Time) (found []stranger) {
	for _, one := range all {
		s := stranger{Host: one.Host}
		count := "refused " + web.Times(one.N) + " in the last hour"
		switch one.Outcome {
		case gate.Unlisted:
			s.Title = one.Host
			s.Text = count + ", the last " + ago(one.Last, now) + ", asked by " + peer(one.By) + ": no app has this host"
			if one.Own {
				s.Text = count + ". People sign in here: the proxy at " + peer(one.By) + " must not ask the gate about this host. Set it up as its recipe says."
				s.Host = ""
			}
		case gate.Untrusted:
			s.Title, s.Text = "A proxy that is not trusted", count+". "+untrusted(one)
		default:
			s.Title = "Questions that cannot be read"
			s.Text = count + ", the last " + ago(one.Last, now) + ", asked by " + peer(one.By) + ": the proxy does not say in one way what was asked for. Set it up as its recipe says."
		}
		found = append(found, s)
	}
	return found
}

func untrusted(one gate.Refusal) string {
	return "The proxy at " + peer(one.By) + " is not trusted. If it is yours, add its address to TRUSTED_PROXIES and start glassjar again."
}

// ago formats a time within the last minute in seconds.
func ago(at, now time.Time) string {
	if since := now.Sub(at); since >= time.Second && since < time.Minute {
		return fmt.Sprintf("%.0f s ago", since.Seconds())
	}
	return web.MomentAt(at, now).Words
}

// peer returns the address of a peer without its port.
func peer(by string) string {
	host, _, err := net.SplitHostPort(by)
	if err != nil {
		return strings.TrimSpace("a Unix socket " + by)
	}
	return host
}
