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
	Untrusted  Outcome = iota // who asks is not in TRUSTED_PROXIES
	Unreadable                // the question cannot be read, or not in one way only
	Unknown                   // the apps cannot be known now
	Unlisted                  // the gate does not answer for the host
	NoPrograms                // the app takes no app passwords
	BadProgram                // the app password is not good, or too many were wrong
	SignedOut                 // nobody is signed in
	Unsure                    // the session cannot be read now
	WrongGroup                // the person is in none of the groups
	LowLevel                  // the session's level is too low; an app password is of level 1
	Pass

	outcomes = int(Pass) + 1
)

// Question is a parsed question of a proxy.
type Question struct {
	Request

	Demands Demands
	Trusted bool  // who asks is in TRUSTED_PROXIES
	Err     error // the question cannot be read
	Program bool  // the request carries an app password
}

// Demands are the proxy's own conditions, in addition to the app's rule.
type Demands struct {
	Groups []string // any of them; nil: everybody
	Level  int      // of the session, at least; then app passwords do not pass
}

// Subject is the person, or the program of a person, that wants to pass.
type Subject struct {
	identity.Identity

	Key string // cache key of signed tokens: the sid, or the app password's id
	How SignedIn
}

// Verdict is the gate's decision.
type Verdict struct {
	Outcome Outcome
	Rule    *Rule // of the host; nil before one was found
	Subject Subject
	Err     error // of an outcome that came of one
}

// Decide decides whether the request may pass. who returns who makes it, and Pass;
// or, if nobody is known, BadProgram, SignedOut or Unsure, perhaps with an error.
// Decide calls it only when the result depends on it.
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
		return Verdict{Outcome: Unlisted}
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

// lowLevel reports whether a session of the level has too few factors. An app
// password is one factor, in the place of a session of level 1.
func lowLevel(program bool, level, needed int) bool {
	if program {
		level = 1
	}
	return level < needed
}
