package gate

import (
	"slices"

	"glassjar/utl/identity"
)

// Outcome is the result of a decision. They are in the order in which Decide checks
// them: at one of them, all checks before it have passed.
type Outcome int

// The outcomes.
const (
	Untrusted  Outcome = iota // the peer is not in TRUSTED_PROXIES
	Unreadable                // the question is malformed or ambiguous
	Unknown                   // the rules of the apps are not known now
	Unlisted                  // no app and no entry of GATE_HOSTS has the host
	OverHTTP                  // people sign in over https, and the target is http
	OtherPort                 // the host is an app's or in GATE_HOSTS, but on another port
	NoPrograms                // the app does not accept app passwords
	BadProgram                // the app password is not valid, or too many were wrong
	SignedOut                 // nobody is signed in
	Unsure                    // the session cannot be checked now
	WrongGroup                // the person is in none of the groups
	LowLevel                  // the session's level is too low; an app password is of level 1
	Pass

	outcomes = int(Pass) + 1
)

// Question is a parsed question of a proxy.
type Question struct {
	Request

	Demands Demands
	Trusted bool  // whether the peer is in TRUSTED_PROXIES
	Err     error // why the question is malformed; nil: it is not
	Program bool  // whether the request has an app password
}

// Demands are the proxy's own conditions, in addition to the app's rule.
type Demands struct {
	Groups []string // any of them; nil: everybody
	Level  int      // the lowest session level; with 2, app passwords do not pass
}

// Subject is the person, or the program of a person, that wants to pass.
type Subject struct {
	identity.Identity

	Disabled bool // whether the account is disabled or waits for approval; only DecideAs looks at it

	Key string // cache key of signed tokens: the sid, or the app password's id
	How SignedIn
}

// Verdict is the gate's decision.
type Verdict struct {
	Outcome Outcome
	Rule    *Rule // the host's rule, with OtherPort one for another port; nil if none was looked up or found
	Subject Subject
	Err     error // the error that led to the outcome, or nil
}

// Decide decides whether the request may pass. who returns the Subject that makes it and
// Pass or, if there is none, BadProgram, SignedOut or Unsure, possibly with an error.
// Decide calls it only if the result depends on it.
func (g *Gate) Decide(q *Question, who func(Target) (Subject, Outcome, error)) (v Verdict) {
	switch {
	case !q.Trusted:
		return Verdict{Outcome: Untrusted}
	case q.Err != nil:
		return Verdict{Outcome: Unreadable, Err: q.Err}
	}
	rule, known := g.rule(q.Target)
	switch {
	case !known:
		return Verdict{Outcome: Unknown, Err: errApps}
	case rule == nil:
		return g.unanswered(q.Target)
	case q.Program && !rule.Programs:
		return Verdict{Outcome: NoPrograms, Rule: rule}
	}
	v.Rule = rule
	if v.Subject, v.Outcome, v.Err = who(q.Target); v.Outcome != Pass {
		return v
	}
	switch {
	case q.Demands.Groups != nil && !slices.ContainsFunc(q.Demands.Groups, v.Subject.HasGroup),
		len(rule.Groups) > 0 && !slices.ContainsFunc(rule.Groups, v.Subject.HasGroup):
		v.Outcome = WrongGroup
	case lowLevel(q.Program, v.Subject.How.Level, max(rule.Level, q.Demands.Level)):
		v.Outcome = LowLevel
	}
	return v
}

// unanswered returns the verdict on a target that the gate does not answer for.
func (g *Gate) unanswered(t Target) Verdict {
	rule := g.named(t.Name)
	switch {
	case rule == nil:
		return Verdict{Outcome: Unlisted}
	case g.overHTTP(t):
		return Verdict{Outcome: OverHTTP, Rule: rule}
	}
	return Verdict{Outcome: OtherPort, Rule: rule}
}

// lowLevel reports whether the level is too low. An app password counts as a session of
// level 1.
func lowLevel(program bool, level, needed int) bool {
	if program {
		level = 1
	}
	return level < needed
}
