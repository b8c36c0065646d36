package lab

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/visible"
)

// maxRows is the maximum number of rows of a table.
const maxRows = 100

// RequestPage is the data of /lab/request.
type RequestPage struct {
	stepLayout

	Method, Target, Proto string
	Post                  bool // whether the request has a form
	Args, Form, Cookies   table
	Headers               []headerRow
	Colour                string // value of the arg colour, quoted
	NoColour              bool   // whether there is no arg colour
	Curl                  string
	Masked                bool // whether Curl has masked values
}

// table has names and values under a heading.
type table struct {
	ID, Name, Where string
	Rows            []pair
	Rest            int // number of omitted rows
}

func newTable(id, name, where string, rows []pair) table {
	shown := min(len(rows), maxRows)
	return table{id, name, where, rows[:shown], len(rows) - shown}
}

// headerRow is a header, who set it, and what it is for.
type headerRow struct{ Name, Value, Who, For string }

// Request answers GET /lab/request: this request, with its parts.
func (s *Room) Request(w http.ResponseWriter, r *http.Request) error {
	return s.showRequest(w, r, "")
}

// RequestSubmit answers POST /lab/request: the same, with the form in the body.
func (s *Room) RequestSubmit(w http.ResponseWriter, r *http.Request) error {
	var body bytes.Buffer // the raw body, because url.Values loses the order
	r.Body = io.NopCloser(io.TeeReader(r.Body, &body))
	if _, err := web.ReadForm(r); err != nil {
		return err
	}
	return s.showRequest(w, r, body.String())
}

func (s *Room) showRequest(w http.ResponseWriter, r *http.Request, body string) error {
	c, err := s.layout(w, r, "request")
	if err != nil {
		return err
	}
	args := argPairs(r.URL.RawQuery)
	p := RequestPage{
		stepLayout: c, Method: r.Method, Target: maskedTarget(r), Proto: r.Proto, Post: r.Method == http.MethodPost,
		Args:    newTable("args", "Args", "in the address", args),
		Form:    newTable("form", "Form", "in the body", argPairs(body)),
		Cookies: newTable("cookies", "Cookies", "in a header", cookiePairs(strings.Join(r.Header.Values("Cookie"), "; "))),
		Headers: headerRows(r), Colour: `""`, NoColour: true,
		Curl: s.curl(r, body),
	}
	p.Masked = strings.Contains(p.Curl, visible.Mask)
	if i := slices.IndexFunc(args, func(a pair) bool { return a.Name == "colour" }); i >= 0 {
		p.Colour, p.NoColour = `"`+args[i].Value+`"`, false
	}
	return s.renderVisit(w, http.StatusOK, "lab-request", p.visit, p)
}

// headerRows returns the request's headers by name: net/http does not keep their order,
// and stores Host separately.
func headerRows(r *http.Request) []headerRow {
	rows := []headerRow{newHeaderRow("Host", r.Host)}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			rows = append(rows, newHeaderRow(name, value))
		}
	}
	return rows
}

func newHeaderRow(name, value string) headerRow {
	note := noteOn(name)
	return headerRow{name, printable(maskedHeader(name, value)), note.who, note.purpose}
}

// curl returns the request as a shell command with secrets masked, and without what curl
// adds by itself.
func (s *Room) curl(r *http.Request, body string) string {
	address := s.PublicURL.Scheme + "://" + r.Host + maskedTarget(r)
	words := []string{"curl " + quoteShell(address)}
	if strings.ContainsAny(address, "[]{}") { // which curl expands to several addresses without -g
		words[0] = "curl -g " + quoteShell(address)
	}
	for _, h := range headerRows(r) {
		switch {
		case h.Name == "Host", h.Name == "Content-Length":
		case h.Value == "": // with a colon, curl would leave the header out
			words = append(words, "-H "+quoteShell(h.Name+";"))
		default:
			words = append(words, "-H "+quoteShell(h.Name+": "+h.Value))
		}
	}
	if r.Method == http.MethodPost {
		words = append(words, "--data-raw "+quoteShell(maskedArgs(body)))
	}
	return strings.Join(words, " \\\n  ")
}
