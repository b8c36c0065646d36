package lab

import (
	"errors"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
)

// verdictView is the server's decision about a cookie, as text. The zero value is empty.
type verdictView struct {
	Title string // Accepted or Refused
	Bad   bool
	Why   []span
	Steps []verdictStep
	Err   string // the library's error, unchanged
}

// verdictStep is one check. Class is empty for passed, "no" for failed, and "skip-it" for
// not made.
type verdictStep struct{ Class, Text string }

// verdict returns the decision about a cookie. It explains what was changed only by
// comparison with own, the visitor's own cookie of the lab.
func (s *Room) verdict(own anatomy.Cookie, name, value string) verdictView {
	judged := s.Lab.Verify(name, value)
	sent, parsed := anatomy.Parse(name, value)
	v := verdictView{Title: "Accepted", Steps: s.verdictSteps(sent, judged)}
	if judged.Err != nil {
		v.Title, v.Bad, v.Err = "Refused", true, judged.Err.Error()
	}
	switch {
	case judged.Err == nil && sent.Value == own.Value:
		v.Why = sentence("This is the value that the server signed. Change one letter and ask again.")
	case judged.Err == nil:
		v.Why = sentence("This is not what your browser holds, but the key made its signature. The server believes every word of it.")
	case judged.Failed == anatomy.Signature:
		v.Why = describeChange(own, sent)
	case errors.Is(parsed, anatomy.ErrParts):
		v.Why = sentence("It decodes, but not into three parts with a bar between them.")
	case judged.Failed == anatomy.Age:
		v.Why = sentence("The key made its signature, but " + s.whyNoAge(sent))
	default:
		v.Why = sentence(checkReasons[judged.Failed])
	}
	return v
}

// checkReasons are the sentences for why a value fails a check.
var checkReasons = map[anatomy.Check]string{
	anatomy.Length:  "No browser keeps a cookie as long as this, so the server does not even decode it.",
	anatomy.Base64:  "These letters are not base64url, so there is nothing to take apart.",
	anatomy.Payload: "The key made its signature, but what it signs is no dictionary in JSON.",
	anatomy.Spelling: "It decodes to the very bytes that the server signed, but the last letter is not the one that spells them. " +
		"One cookie has one spelling here.",
}

// describeChange says what the signature was made for, if it is that of own.
func describeChange(own, sent anatomy.Cookie) []span {
	const without = " Without the key you cannot make a new one."
	changes := anatomy.Changes(own, sent)
	if len(changes) == 0 || sent.Signature.Text != own.Signature.Text {
		if len(changes) == 1 { // only the signature differs
			return sentence("The payload is as it was, but this is not the signature that the server made for it." + without)
		}
		return sentence("The lab's key did not make this signature for this name, date and payload." + without)
	}
	c := changes[0]
	switch {
	case c.Part == "name":
		return sentence("Its name is now %, but its signature was made for the name %. A cookie cannot take another one's place.", c.Now, c.Was)
	case c.Was != "" && c.Now != "":
		return sentence("The "+c.Part+" now says %, but its signature was made for %."+without, c.Now, c.Was)
	case c.Now != "":
		return sentence("The "+c.Part+" now says %, but its signature was made without it."+without, c.Now)
	case c.Was != "":
		return sentence("The "+c.Part+" no longer says %, but its signature was made for it."+without, c.Was)
	}
	return sentence("The " + c.Part + " is another one, but its signature was made for the old one." + without)
}

// whyNoAge returns why the date of a cookie is refused.
func (s *Room) whyNoAge(c anatomy.Cookie) string {
	at, ok := c.Signed()
	switch {
	case !ok:
		return "its date is no number of seconds."
	case at.Unix() > s.Now().Unix():
		return "it is dated in the future. More than a minute ahead is more than clocks differ."
	}
	return "not in the last 30 days. A date ends even a true cookie, so that a stolen one does not open the door for ever."
}

// age returns how old a cookie is by its date, which may be any number.
func (s *Room) age(c anatomy.Cookie) string {
	const far = 100 * 365 * 24 * time.Hour // a Duration has room for 292 years
	at, ok := c.Signed()
	now := s.Now()
	switch {
	case !ok:
		return "no number of seconds"
	case at.Unix() > now.Add(far).Unix():
		return "dated over 100 years ahead"
	case at.Unix() < now.Add(-far).Unix():
		return "over 100 years"
	case at.After(now):
		return "dated " + web.Span(at.Sub(now)) + " ahead"
	}
	return web.Span(now.Sub(at))
}

// verdictSteps lists the checks in the order in which they are made.
func (s *Room) verdictSteps(sent anatomy.Cookie, v anatomy.Verdict) []verdictStep {
	age := s.age(sent)
	length := thousands(len(sent.Value)) + " of 4,096 bytes"
	all := []struct{ passed, failed, skipped string }{
		{"Not too long: " + length, "Too long: " + length, ""},
		{"Decodes as base64url into three parts", "Does not decode as base64url into three parts", "Not decoded"},
		{"Signature matches", "Signature does not match", "Signature: not looked at"},
		{"Age: " + age + ", at most 30 days", "Age: " + age + ". At most 30 days, and not from the future", "Age: not looked at"},
		{"Payload decodes as JSON", "Payload does not decode as a dictionary in JSON", "Payload: never opened"},
		{"Spelled as base64url spells it", "Spelled in another way than base64url spells it", "Spelling: not looked at"},
	}
	steps := make([]verdictStep, 0, len(all))
	for i, words := range all {
		switch check := anatomy.Check(i); {
		case v.Err == nil || check < v.Failed:
			steps = append(steps, verdictStep{"", words.passed})
		case check == v.Failed:
			steps = append(steps, verdictStep{"no", words.failed})
		default:
			steps = append(steps, verdictStep{"skip-it", words.skipped})
		}
	}
	return steps
}
