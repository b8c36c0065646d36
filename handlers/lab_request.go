package handlers

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// labRows is how many rows a table of the lab shows at most.
const labRows = 100

type labRequestPage struct {
	labChrome

	Method, Target, Proto string
	Post                  bool // the request brought a form
	Args, Form, Cookies   labTable
	Headers               []labHeader
	Colour                string // the arg colour, quoted
	NoColour              bool   // there is none
	Curl                  string
}

// labTable is names and values under a heading.
type labTable struct {
	ID, Name, Where string
	Rows            []pair
	Rest            int // how many rows more there were
}

func newLabTable(id, name, where string, rows []pair) labTable {
	shown := min(len(rows), labRows)
	return labTable{id, name, where, rows[:shown], len(rows) - shown}
}

// labHeader is a header, who set it and what it is for.
type labHeader struct{ Name, Value, Who, For string }

// labRequest answers GET /lab/request: this very request, taken apart.
func (s *site) labRequest(w http.ResponseWriter, r *http.Request) error {
	return s.labRequestShow(w, r, "")
}

// labRequestSubmit answers POST /lab/request: the same, with the form that came
// in the body.
func (s *site) labRequestSubmit(w http.ResponseWriter, r *http.Request) error {
	var body bytes.Buffer // url.Values would lose the order
	r.Body = io.NopCloser(io.TeeReader(r.Body, &body))
	if _, err := readForm(r); err != nil {
		return err
	}
	return s.labRequestShow(w, r, body.String())
}

func (s *site) labRequestShow(w http.ResponseWriter, r *http.Request, body string) error {
	c, err := s.labChrome(w, r, "request")
	if err != nil {
		return err
	}
	args := argPairs(r.URL.RawQuery)
	p := labRequestPage{
		labChrome: c, Method: r.Method, Target: maskedTarget(r), Proto: r.Proto, Post: r.Method == http.MethodPost,
		Args:    newLabTable("args", "Args", "in the address", args),
		Form:    newLabTable("form", "Form", "in the body", argPairs(body)),
		Cookies: newLabTable("cookies", "Cookies", "in a header", cookiePairs(strings.Join(r.Header.Values("Cookie"), "; "))),
		Headers: labHeaders(r), Colour: `""`, NoColour: true,
		Curl: s.curl(r, body),
	}
	if i := slices.IndexFunc(args, func(a pair) bool { return a.Name == "colour" }); i >= 0 {
		p.Colour, p.NoColour = `"`+args[i].Value+`"`, false
	}
	return s.show(w, http.StatusOK, "lab-request", p)
}

// labHeaders returns the request's headers by name: net/http does not keep the
// order in which they came. Host it keeps apart.
func labHeaders(r *http.Request) []labHeader {
	rows := []labHeader{newLabHeader("Host", r.Host)}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			rows = append(rows, newLabHeader(name, value))
		}
	}
	return rows
}

func newLabHeader(name, value string) labHeader {
	note := noteOn(name)
	return labHeader{name, printable(maskedHeader(name, value)), note.who, note.purpose}
}

// curl returns the request as a command for a shell, without its secrets.
// What curl works out by itself is left out.
func (s *site) curl(r *http.Request, body string) string {
	words := []string{"curl " + quoteShell(s.PublicURL.Scheme+"://"+r.Host+maskedTarget(r))}
	for _, h := range labHeaders(r) {
		if h.Name != "Host" && h.Name != "Content-Length" {
			words = append(words, "-H "+quoteShell(h.Name+": "+h.Value))
		}
	}
	if r.Method == http.MethodPost {
		words = append(words, "--data-raw "+quoteShell(maskedArgs(body)))
	}
	return strings.Join(words, " \\\n  ")
}
