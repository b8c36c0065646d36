package people

import (
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// AuditPage is the data of /people/audit.
type AuditPage struct {
	web.Layout

	Who, Kind, Day string // as in the args
	Kinds          []string
	Rows           []auditRow
	CSV            string // URL of the same entries as a CSV file
	Older          string // URL of the next page; empty: there is none
	Later          bool   // whether there may be newer entries
}

// auditRow is an entry as the page shows it.
type auditRow struct {
	web.EventRow

	Username string // the account's; empty: no account
	By       string
}

// auditArgs reads the args who, kind, day (2026-11-26) and after (the id of the last
// entry of the page before). Errors: web.ErrForm.
func auditArgs(r *http.Request) (url.Values, audit.Query, error) {
	args, err := web.ReadArgs(r, "who", "kind", "day", "after")
	if err != nil {
		return nil, audit.Query{}, err
	}
	q := audit.Query{Kind: args.Get("kind")}
	if typed := args.Get("who"); typed != "" {
		if q.Who, err = account.Username(typed); err != nil {
			q.Who = typed // matches nothing
		}
	}
	if typed := args.Get("day"); typed != "" {
		if q.Day, err = time.Parse(time.DateOnly, typed); err != nil {
			return nil, q, fmt.Errorf("%w: %w", web.ErrForm, err)
		}
	}
	if typed := args.Get("after"); typed != "" {
		if q.Before, err = strconv.ParseInt(typed, 10, 64); err != nil {
			return nil, q, fmt.Errorf("%w: %w", web.ErrForm, err)
		}
	}
	return args, q, nil
}

// address returns the URL of the path with the args and more.
func address(path string, args url.Values, more ...string) string {
	all := url.Values{}
	for _, name := range []string{"who", "kind", "day"} {
		if v := args.Get(name); v != "" {
			all.Set(name, v)
		}
	}
	if len(more) > 0 {
		all.Set("after", more[0])
	}
	if len(all) == 0 {
		return path
	}
	return path + "?" + all.Encode()
}

// Audit answers GET /people/audit: the audit log of all accounts, newest first, 50
// entries per page.
func (s *Room) Audit(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	args, q, err := auditArgs(r)
	if err != nil {
		return err
	}
	all, err := s.Accounts.Audit(r.Context(), q)
	if err != nil {
		return err
	}
	p := AuditPage{
		Layout: layout(me), Who: args.Get("who"), Kind: q.Kind, Day: args.Get("day"), Later: q.Before != 0,
		Kinds: slices.Sorted(maps.Keys(web.EventLabels)), CSV: address("/people/audit.csv", args),
	}
	if len(all) > audit.PageRows {
		all = all[:audit.PageRows]
		p.Older = address("/people/audit", args, strconv.FormatInt(all[audit.PageRows-1].ID, 10))
	}
	for _, e := range all {
		p.Rows = append(p.Rows, auditRow{web.NewEventRow(e, s.Now()), e.Username, e.By.Name})
	}
	return s.Render(w, http.StatusOK, "people-audit", p)
}

// AuditFile answers GET /people/audit.csv: all entries that match, as a CSV file. It holds no
// database connection while a slow client reads.
func (s *Room) AuditFile(w http.ResponseWriter, r *http.Request, _ web.Owned) error {
	_, q, err := auditArgs(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="audit.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write([]string{"time", "event", "by", "username", "address", "browser", "detail"}) // writing to a buffer cannot fail
	err = s.Accounts.EachEntry(r.Context(), q, func(e audit.Entry) error {
		return out.Write([]string{
			e.At.UTC().Format(time.RFC3339), e.Kind, cell(e.By.Name), cell(e.Username), cell(e.By.Address), cell(e.By.Agent), cell(e.Detail),
		})
	})
	out.Flush()
	if err != nil && out.Error() == nil { // else the browser is gone
		s.Log.ErrorContext(r.Context(), "the audit file was cut off", "error", web.OneLine(err.Error(), 512))
		// The status was already sent: only aborting the connection tells that the file
		// is incomplete.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// cell returns the text so that a spreadsheet shows it and does not execute it: a text
// that begins like a formula gets an apostrophe (OWASP, CSV injection).
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
