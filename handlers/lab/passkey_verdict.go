package lab

import (
	"bytes"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
)

// checkAnswer returns the server's decision about the sent answer; own is the device's
// original one. A right answer uses up the challenge.
func (s *Room) checkAnswer(v passkeyVisit, own, sent anatomy.PasskeyAnswer) verdictView {
	q := s.passkeyQuestion(v)
	key, ok := v.passkey()
	if !ok {
		return verdictView{}
	}
	failed := q.Check(sent, key.Key)
	late := v.age() > challengeLife
	if late {
		failed = anatomy.PasskeyChallenge
	}
	used, before := v.used()
	out := verdictView{Title: "Refused", Bad: true, Steps: passkeySteps(failed, before, web.Span(v.age()))}
	switch {
	case late:
		out.Why = sentence("The challenge is older than five minutes. Ask another question.")
	case failed != anatomy.PasskeyGood:
		out.Why = whyRefused(q, failed, own, sent)
	case before:
		out.Why = sentence("It is the right answer, and the question was answered before, " + ago(v.now.Sub(used)) + ". A challenge is good once: who recorded the answer cannot use it.")
	default:
		v.use()
		return verdictView{Title: "Accepted", Steps: out.Steps, Why: sentence("Whoever holds the key was there, looked at this site, and answered this question. The server learned nothing that it could lose.")}
	}
	return out
}

// whyRefused returns why the sent answer fails the check. It speaks of a change only if
// the page changed that value of own; otherwise the answer came so.
func whyRefused(q anatomy.PasskeyQuestion, failed anatomy.PasskeyCheck, own, sent anatomy.PasskeyAnswer) []span {
	says, said := sent.Client(), own.Client()
	switch {
	case failed == anatomy.PasskeyChallenge && says.Challenge == q.Challenge:
		return sentence("Its type is %, and that of an answer is %: it was made for something else.", says.Type, "webauthn.get")
	case failed == anatomy.PasskeyChallenge:
		return sentence("The answer is to another question, %. An answer that somebody recorded yesterday opens nothing today.", says.Challenge)
	case failed == anatomy.PasskeyOrigin && says.Origin != said.Origin:
		return sentence("The answer now says %, but it was given at %. A look-alike site can pass an answer on, and it opens nothing.", says.Origin, said.Origin)
	case failed == anatomy.PasskeyOrigin && says.Origin != q.Origin:
		return sentence("The answer was given at %, and this site is %. A look-alike site can pass an answer on, and it opens nothing.", says.Origin, q.Origin)
	case failed == anatomy.PasskeyOrigin:
		return sentence("It was given on a page of this site, but inside another site's page: the browser says %.", `"crossOrigin":true`)
	case failed == anatomy.PasskeySite && !bytes.Equal(sent.AuthData[:32], own.AuthData[:32]):
		return sentence("The hash is now that of another site than %, but the signature was made for the old one. A device has one key for each site, and never takes another's.", q.RPID)
	case failed == anatomy.PasskeySite:
		return sentence("The device signed for another site than %: it has one key for each, and never takes another's.", q.RPID)
	case failed == anatomy.PasskeyFlags && sent.Flags() != own.Flags():
		return sentence("The device now says that it did not check who was there. This site asks for that; and the signature was made for the other flags.")
	case failed == anatomy.PasskeyFlags && sent.Flags()&anatomy.UserPresent == 0:
		return sentence("The device says that nobody touched it. This site asks for that.")
	case failed == anatomy.PasskeyFlags:
		return sentence("The device says that it did not check who was there. This site asks for that.")
	case !bytes.Equal(sent.Signature, own.Signature):
		return sentence("All that it says is right, but the signature fits none of it. One bit is enough.")
	}
	return sentence("All that it says is right, but this passkey's key did not make the signature for it.")
}

// passkeySteps lists the checks in order.
func passkeySteps(failed anatomy.PasskeyCheck, used bool, age string) []verdictStep {
	all := []struct{ passed, failed, skipped string }{
		{"Challenge: ours, " + age + " old", "Challenge: no answer to ours of the last five minutes", ""},
		{"Origin: this site's", "Origin: not this site's, or inside another site's page", "Origin: not looked at"},
		{"Site's hash: this site's", "Site's hash: another site's", "Site's hash: not looked at"},
		{"Flags: somebody was there, and was checked", "Flags: nobody was there, or nobody was checked", "Flags: not looked at"},
		{"Signature matches", "Signature does not match", "Signature: not looked at"},
	}
	made := make([]verdictStep, 0, len(all)+1)
	for i, words := range all {
		switch check := anatomy.PasskeyCheck(i); {
		case check < failed:
			made = append(made, verdictStep{"", words.passed})
		case check == failed:
			made = append(made, verdictStep{"no", words.failed})
		default:
			made = append(made, verdictStep{"skip-it", words.skipped})
		}
	}
	last := verdictStep{"", "Not used yet: it is now"}
	if failed != anatomy.PasskeyGood {
		last = verdictStep{"skip-it", "Used already: not looked at"}
	} else if used {
		last = verdictStep{"no", "Used already"}
	}
	return append(made, last)
}
