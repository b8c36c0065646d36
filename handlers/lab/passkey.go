package lab

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
	"glassjar/utl/passkey"
)

const (
	challengeBytes = 32
	challengeLife  = 5 * time.Minute
	maxDeviceSays  = 16 << 10 // bytes of a browser's answer
)

// PasskeyPage is the data of /lab/passkey.
type PasskeyPage struct {
	stepLayout

	Problem   string
	Host      string
	Origin    string
	Devices   bool // whether browsers let a device answer at this origin
	Challenge string
	Kept      *keptPasskey // nil: no passkey
	Options   string       // options for the browser, as JSON; empty once they are answered
	Answer    *answerView  // nil: no answer yet
	Verdict   verdictView
}

// keptPasskey is what a server stores of a passkey.
type keptPasskey struct {
	X, Y, ID string
	Soft     bool // the server simulates the device
}

// answerView is an answer, parsed.
type answerView struct {
	Client, AuthData, Signature string
	Type, Challenge, Origin     string // the client data, as text
	Flags                       string
	Count                       uint32
	Length                      int // length of the signature in bytes
	Bits                        []flagBit
}

// flagBit is one of the authenticator's flags.
type flagBit struct {
	Bit        int
	On         bool
	Name, Says string
}

// Passkey answers GET /lab/passkey: a challenge, and its answer once there is one.
func (s *Room) Passkey(w http.ResponseWriter, r *http.Request) error {
	c, err := s.layout(w, r, "passkey")
	if err != nil {
		return err
	}
	return s.showPasskey(w, http.StatusOK, PasskeyPage{stepLayout: c})
}

// PasskeySubmit answers POST /lab/passkey: it accepts a new passkey or an answer of the
// visitor's device, simulates a device, or decides about the answer with a byte changed.
func (s *Room) PasskeySubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "do", "answer", "trouble")
	if err != nil {
		return err
	}
	c, err := s.layout(w, r, "passkey")
	if err != nil {
		return err
	}
	p := PasskeyPage{stepLayout: c}
	v := passkeyVisit{c.visit, s.Now()}
	switch do := form.Get("do"); do {
	case "make", "answer":
		p.Problem = s.takeFromDevice(v, do, form.Get("answer"), form.Get("trouble"))
	case "soft":
		err = s.playDevice(v)
	case "ask":
		v.ask()
	case "forget":
		v.forget()
	default:
		p.Problem = s.sendAgain(v, do, &p)
	}
	if err != nil {
		return err
	}
	if a, ok := v.answer(); ok && p.Problem == "" && p.Verdict.Title == "" {
		p.Verdict = s.checkAnswer(v, a, a)
	}
	return s.showPasskey(w, http.StatusOK, p)
}

func (s *Room) showPasskey(w http.ResponseWriter, status int, p PasskeyPage) error {
	v := passkeyVisit{p.visit, s.Now()}
	_, answered := v.answer()
	if _, asked := v.question(); !asked || !answered && v.age() > challengeLife {
		v.ask()
	}
	q := s.passkeyQuestion(v)
	p.Challenge, p.Host, p.Origin, p.Devices = q.Challenge, q.RPID, q.Origin, passkey.Host(s.PublicURL) != ""
	if key, ok := v.passkey(); ok {
		xy := key.Coordinates()
		p.Kept = &keptPasskey{fmt.Sprintf("% x", xy[:32]), fmt.Sprintf("% x", xy[32:]), base64.RawURLEncoding.EncodeToString(key.ID), v.Get("pk-soft") != ""}
	}
	if a, ok := v.answer(); ok {
		p.Answer = s.parseAnswer(q, a)
	} else {
		p.Options = passkeyOptions(q, p.Kept)
	}
	return s.renderVisit(w, status, "lab-passkey", p.visit, p)
}

func (s *Room) passkeyQuestion(v passkeyVisit) anatomy.PasskeyQuestion {
	challenge, _ := v.question()
	return anatomy.PasskeyQuestion{Challenge: challenge, Origin: s.PublicURL.Scheme + "://" + s.PublicURL.Host, RPID: s.PublicURL.Hostname()}
}

// passkeyOptions returns the options that a script passes to the browser: a request to
// the stored passkey or, if that is not a device's, the creation of a new one.
func passkeyOptions(q anatomy.PasskeyQuestion, kept *keptPasskey) string {
	type named struct {
		ID          string `json:"id"`
		Name        string `json:"name,omitempty"`
		DisplayName string `json:"displayName,omitempty"`
		Type        string `json:"type,omitempty"`
	}
	type parameter struct {
		Type string `json:"type"`
		Alg  int    `json:"alg"`
	}
	options := map[string]any{"challenge": q.Challenge, "timeout": challengeLife.Milliseconds(), "userVerification": "required"}
	if kept != nil {
		options["rpId"], options["allowCredentials"] = q.RPID, []named{{ID: kept.ID, Type: "public-key"}}
	} else {
		user := make([]byte, 16)
		rand.Read(user) // never fails: it ends the program instead
		options["rp"] = named{ID: q.RPID, Name: "glassjar lab"}
		options["user"] = named{ID: base64.RawURLEncoding.EncodeToString(user), Name: "lab", DisplayName: "A visitor of the lab"}
		options["pubKeyCredParams"] = []parameter{{"public-key", -7}}
		options["authenticatorSelection"] = map[string]string{"residentKey": "discouraged", "userVerification": "required"}
		options["attestation"] = "none"
	}
	text, err := json.Marshal(map[string]any{"publicKey": options})
	if err != nil {
		panic(err) // texts and numbers can be encoded
	}
	return string(text)
}

// changes are the buttons that modify the answer, with the check that then fails.
var changes = map[string]anatomy.PasskeyCheck{
	"challenge": anatomy.PasskeyChallenge, "origin": anatomy.PasskeyOrigin, "site": anatomy.PasskeySite,
	"flag": anatomy.PasskeyFlags, "signature": anatomy.PasskeySignature, "replay": anatomy.PasskeyGood,
}

// sendAgain checks the answer again, modified as the button says, and returns what is
// wrong with the form.
func (s *Room) sendAgain(v passkeyVisit, do string, p *PasskeyPage) string {
	check, known := changes[do]
	a, ok := v.answer()
	switch {
	case !known:
		return "The lab can make a passkey, answer, change an answer and forget, and nothing else."
	case !ok:
		return "There is no answer yet that could be changed."
	}
	lookAlike := "https://" + strings.ReplaceAll(s.PublicURL.Hostname(), ".", "-") + ".test"
	p.Verdict = s.checkAnswer(v, a, a.Change(check, lookAlike))
	return ""
}

func (s *Room) parseAnswer(q anatomy.PasskeyQuestion, a anatomy.PasskeyAnswer) *answerView {
	c := a.Client()
	known := func(is, want, words string) string {
		if is == want {
			return words
		}
		return shorten(printable(is), 80)
	}
	view := &answerView{
		Client: printable(string(a.ClientData)), AuthData: fmt.Sprintf("% x", a.AuthData), Signature: fmt.Sprintf("% x", a.Signature),
		Type: known(c.Type, "webauthn.get", "an answer"), Challenge: known(c.Challenge, q.Challenge, "the one above"), Origin: known(c.Origin, q.Origin, "ours"),
		Flags: fmt.Sprintf("%02x = %08b", a.Flags(), a.Flags()), Count: a.Count(), Length: len(a.Signature),
	}
	for _, f := range []struct {
		bit           int
		name, on, off string
	}{
		{0, "UP", "Somebody touched the device", "Nobody touched the device"},
		{2, "UV", "It checked who: finger, face or PIN", "It did not check who"},
		{3, "BE", "The passkey may be synced", "The passkey stays on this device"},
		{4, "BS", "It is synced", "It is not synced"},
		{6, "AT", "A new key comes along", "A new key comes along: no"},
		{7, "ED", "More follows", "More follows: no"},
	} {
		bit := flagBit{f.bit, a.Flags()>>f.bit&1 == 1, f.name, f.off}
		if bit.On {
			bit.Says = f.on
		}
		view.Bits = append(view.Bits, bit)
	}
	return view
}
