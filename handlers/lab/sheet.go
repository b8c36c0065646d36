package lab

import (
	"net/http"
)

// SheetPage is the data of /lab/sheet.
type SheetPage struct {
	stepLayout

	Parts []sheetPart
}

// sheetPart has the questions of the worksheet about one page.
type sheetPart struct {
	Title, Path string
	First       int // number of its first question
	Questions   []question
}

// question is a question of the worksheet: what to do, and what one then sees. A test
// does it; ID is its key.
type question struct{ ID, Ask, Answer string }

// Sheet answers GET /lab/sheet: the lesson as a worksheet.
func (s *Room) Sheet(w http.ResponseWriter, r *http.Request) error {
	c, err := s.layout(w, r, "sheet")
	if err != nil {
		return err
	}
	parts := make([]sheetPart, 0, len(sheet))
	first := 1
	for _, p := range sheet {
		p.First = first
		first += len(p.Questions)
		parts = append(parts, p)
	}
	return s.renderVisit(w, http.StatusOK, "lab-sheet", c.visit, SheetPage{c, parts})
}

// sheet is the lesson: for each question there is a page on which a visitor can do it.
var sheet = []sheetPart{
	{"A form arrives", "/lab/request", 0, []question{
		{"get", "Send the form with GET. Where are its two fields afterwards?", "In the address, behind a question mark: as args. So they are in the history, and in the log of every server on the way."},
		{"post", "Send it with POST. Where are they now?", "In the body of the request, as a form. The address shows none of them."},
		{"none", "Send the form that names no method. Which one does the browser take?", "GET."},
		{"missing", "Read the arg colour when it did not come. What does a look-up that forgives answer, and what does a strict one?", "The first gives an empty text. The second ends the request with 400 Bad Request."},
	}},
	{"A cookie comes along", "/lab/request#cookies", 0, []question{
		{"cookies", "Visit the session's page, then look among the cookies of your request. Who put them there?", "The server gave them to the browser once, with Set-Cookie. Since then the browser sends them with each request, unasked."},
	}},
	{"A session remembers", "/lab/session", 0, []question{
		{"add", "Add the key colour with the value green, and load the page again. Each request stands alone: how does the server still know?", "The session is a dictionary that travels in the cookie. The browser brings it back with every request."},
		{"pop", "Pop colour. What do you get, and what is in the session now?", "Its value, green; and the key is gone."},
		{"much", "Add 3,000 letters. What does the server say, and why?", "It refuses: a browser throws a cookie over 4,096 bytes away, without a word."},
	}},
	{"A signature holds", "/lab/cookie", 0, []question{
		{"read", "Read your cookie. Which key did you need for that?", "None: base64url is a spelling, not a secret. Signed is not encrypted."},
		{"admin", "Make yourself admin. What gives you away?", "The signature: it was made for another payload, and without the key there is no new one."},
		{"old", "Make the cookie a year old. The signature is true: why is it refused?", "A date ends even a true cookie, so that a stolen one does not open the door for ever."},
		{"script", "Let a script look for your cookies. Which of the site's does it find?", "None: they are HttpOnly."},
		{"elsewhere", "Let another site's form clear the lab's session. Which two things stop it?", "The browser leaves the cookie at home (SameSite=Lax), and the server refuses a form from elsewhere."},
		{"sid", "Sign in, look at the sid, sign out and in again. What changed?", "The sid: a sign-in always makes a new session, so nobody can slip you one."},
	}},
	{"The key is the secret", "/lab/key", 0, []question{
		{"sign", "Sign {\"role\":\"admin\"} with the lab's key, and ask the server about it. What does it say?", "Accepted: whoever knows the key is believed. That is why it is random, 32 bytes long, and never in the repository."},
		{"forge", "Sign the payload of your own session in the lab, under the session's name. Does it sign you in?", "No: the session has another key."},
		{"sealed", "Look at the encrypted payload, then change one letter of it. What can you read, and what can you change?", "Neither is possible: encryption hides it, and the signature keeps it from being changed."},
	}},
	{"A listener hears it", "/lab/wire", 0, []question{
		{"http", "Send a secret both ways. What does a listener find over http?", "The secret, and your cookie. Whoever copies the cookie is you."},
		{"tls", "What do they find over https?", "Noise; and the server's name, how long the request was, from where, and when."},
	}},
	{"A password is kept", "/lab/password", 0, []question{
		{"twice", "Keep one word twice. Which part of the two is the same, and which differ?", "The settings are the same. The salts are random, so the hashes differ, and nobody sees that two people have the same password."},
		{"slow", "How many guesses a second does a thief have with SHA-256, how many with argon2id?", "Millions against some tens, on this machine. The slow function is slow on purpose."},
		{"common", "Keep the word password1. What use is the slow function then?", "None: who guesses tries the most used passwords first. So the site refuses them."},
	}},
	{"Six digits from a secret and a clock", "/lab/code", 0, []question{
		{"digits", "Your phone and the page show the same digits. What did they tell each other?", "Nothing, since the secret was scanned: each counts the half minutes and signs the number."},
		{"again", "Send the digits of now, twice. What does the server say?", "Accepted, then refused: each step counts once, so who looks over your shoulder gains nothing."},
	}},
	{"A passkey answers a challenge", "/lab/passkey", 0, []question{
		{"challenge", "Let a device, or the server, answer the challenge. Which things does the signature cover?", "The challenge, the origin that the browser was at, and the device's own words: for which site, and that somebody was there."},
		{"origin", "Change the origin to a look-alike's. Why can such a site not use your passkey?", "The browser writes the origin, and it is signed: an answer given elsewhere is refused here."},
		{"bit", "Change one bit of the signature, then send the true answer once more. Why is each refused?", "The signature fits no more; and a challenge is good once."},
	}},
}
