package gate

import (
	"fmt"
	"strings"
)

// Line is one step of a decision, as text.
type Line struct {
	Holds bool // whether the check passed; if not, the decision ends here
	Text  string
}

// Explain describes how Decide came to its verdict on the question, in the order of its
// checks. It does not decide anything itself.
func Explain(q *Question, v Verdict) (lines []Line) {
	for at := Untrusted; at <= v.Outcome && at < Pass; at++ {
		if text := step(at, at < v.Outcome, q, v); text != "" {
			lines = append(lines, Line{at < v.Outcome, text})
		}
	}
	if v.Outcome == Pass {
		lines = append(lines, Line{true, "It passes: 200, and the app is told that it is " + v.Subject.Username + "."})
	}
	return lines
}

// stops are the sentences about checks that are mentioned only if they did not pass.
var stops = map[Outcome]string{
	Unknown:   "The apps cannot be read from the database just now: 503.",
	OverHTTP:  "People sign in over https, and this is http: 403.",
	OtherPort: "It is listed with another port: 403.",
	Unsure:    "Whether somebody is signed in cannot be found out just now: 503.",
}

// step returns a sentence about whether a check passed, or "" if it was not required.
func step(at Outcome, held bool, q *Question, v Verdict) string {
	pick := func(good, bad string) string {
		if held {
			return good
		}
		return bad
	}
	switch at {
	case Untrusted:
		return pick("The proxy is one of TRUSTED_PROXIES.", "The question does not come from one of TRUSTED_PROXIES: 400.")
	case Unreadable:
		return pick("The question can be read: "+q.Method+" "+q.String(), "The question cannot be read, because it is incomplete, invalid or ambiguous: 400.")
	case Unknown, OverHTTP, OtherPort, Unsure:
		return pick("", stops[at])
	case Unlisted:
		if held { // only then is there a rule
			return "The host " + q.Name + " is listed: " + v.Rule.title() + "."
		}
		return "No app and no entry of GATE_HOSTS is " + q.Host + ": 403."
	case NoPrograms, BadProgram:
		if !q.Program {
			return ""
		}
		if at == NoPrograms {
			return pick("The app takes app passwords.", "The app takes no app passwords: 403.")
		}
		return pick("The app password is valid here.", "The app password is not valid here: 401; or too many wrong ones were tried: 429.")
	case SignedOut:
		if q.Program {
			return pick("It is "+v.Subject.Username+", by app password.", "")
		}
		return pick("It is "+v.Subject.Username+", with a session of level "+fmt.Sprint(v.Subject.How.Level)+".",
			v.Subject.absent()+": a request for a page is redirected to the sign-in, any other gets 401.")
	case WrongGroup:
		return pick("The groups allow it: "+v.Rule.who()+".", v.Subject.Username+" is in none of the groups ("+v.Rule.who()+"): 403.")
	case LowLevel:
		if q.Program {
			return pick("The level is enough.", "A second factor is needed, and an app password does not count as one: 403.")
		}
		return pick("The level is enough.", "A second factor is needed: a request for a page is redirected to where it can be given, any other gets 401.")
	}
	return ""
}

// absent says why nobody is signed in.
func (p Subject) absent() string {
	if p.Disabled {
		return "The account " + p.Username + " is disabled or waits for approval, so nobody is signed in with it"
	}
	return "Nobody is signed in"
}

func (r *Rule) title() string {
	if r.ID == "" {
		return "by GATE_HOSTS"
	}
	return "the app " + r.Name
}

func (r *Rule) who() string {
	if len(r.Groups) == 0 {
		return "everybody who is signed in"
	}
	return strings.Join(r.Groups, ", ")
}

// DecideAs returns the question that a trusted proxy would ask about the URL, and the
// gate's decision for the subject on a site that demands the level of everybody. If the
// subject's username is empty, or the account is disabled, nobody is signed in.
func (g *Gate) DecideAs(raw, method string, level int, p Subject) (*Question, Verdict) {
	h := map[string][]string{originalURL: {raw}, originalMethod: {method}}
	q := &Question{Trusted: true}
	q.Request, q.Err = ParseRequest(Check, h)
	q.Demands.Level = level
	v := g.Decide(q, func(Target) (Subject, Outcome, error) {
		if p.Username == "" || p.Disabled {
			return p, SignedOut, nil
		}
		return p, Pass, nil
	})
	return q, v
}
