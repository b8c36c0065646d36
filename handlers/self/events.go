package self

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/browser"
)

const (
	eventsLately = 5  // events on /account
	eventsEach   = 50 // events on a page of /account/events
)

// EventsPage is the data of /account/events.
type EventsPage struct {
	web.Layout

	Events []eventRow
	Later  bool  // there may be newer events than these
	Older  int64 // the arg before of the next page; 0: there is none
}

// eventRow is an event in words.
type eventRow struct {
	What  string
	When  web.Moment
	Where string
}

// refusedTries are the sign-ins and app passwords that were refused in the
// last 24 hours.
type refusedTries struct {
	Tries string // such as "1 try was"; empty: none
	Last  eventRow
}

// eventLabels names every kind of event in words.
var eventLabels = map[string]string{
	"signin.ok":        "Signed in",
	"signin.failed":    "A sign-in failed",
	"signin.throttled": "A sign-in was refused: too many had failed",
	"session.ended":    "A session ended",
	"password.changed": "The password was changed",
	"link.made":        "A link was made",
	"link.used":        "A link was used",
	"account.added":    "The account was made",
	"account.disabled": "The account was disabled",
	"account.enabled":  "The account was enabled",
	"account.deleted":  "The account was deleted",
	"account.groups":   "The groups were changed",
	"account.name":     "The display name was changed",
	"account.email":    "The email address was changed",
	"account.role":     "The role was changed",
	"account.freed":    "The username may be taken again",

	"apppassword.made":    "An app password was made",
	"apppassword.revoked": "An app password was revoked",
	"apppassword.failed":  "An app password was refused",

	"key.rotated": "A new session key was made",
	"key.pruned":  "Old session keys were removed",
}

// Events answers GET /account/events: everything that happened to the account,
// refused tries too, the newest first, 50 a page. The arg before is the id of
// the event that the page follows.
func (s *Room) Events(w http.ResponseWriter, r *http.Request, me account.Account) error {
	args, err := web.ReadArgs(r, "before")
	if err != nil {
		return err
	}
	before, err := eventID(args)
	if err != nil {
		return err
	}
	all, err := s.Accounts.EventsBefore(r.Context(), me.ID, before, eventsEach+1)
	if err != nil {
		return err
	}
	p := EventsPage{Layout: layout(me), Later: before < math.MaxInt64}
	if len(all) > eventsEach {
		all = all[:eventsEach]
		p.Older = all[eventsEach-1].ID
	}
	p.Events = s.eventRows(all)
	return s.Render(w, http.StatusOK, "account-events", p)
}

// eventID returns the id in the arg before, or one beyond all when there is
// none. Errors: web.ErrForm.
func eventID(args url.Values) (int64, error) {
	if !args.Has("before") {
		return math.MaxInt64, nil
	}
	id, err := strconv.ParseInt(args.Get("before"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", web.ErrForm, err)
	}
	return id, nil
}

// recent returns the newest events of the account, and apart from them what was
// refused: however much strangers try, they push no event off.
func (s *Room) recent(ctx context.Context, me account.Account) ([]eventRow, refusedTries, error) {
	events, err := s.Accounts.Events(ctx, me.ID, eventsLately)
	if err != nil {
		return nil, refusedTries{}, err
	}
	tries, err := s.Accounts.Attempts(ctx, me.ID, audit.MaxAttempts)
	return s.eventRows(events), s.triesLately(tries), err
}

// triesLately says how many of the tries, the newest first, came in the last 24
// hours. No more than audit.MaxAttempts of a day are kept.
func (s *Room) triesLately(tries []audit.Entry) refusedTries {
	n, since := 0, s.Now().Add(-24*time.Hour)
	for n < len(tries) && tries[n].At.After(since) {
		n++
	}
	switch n {
	case 0:
		return refusedTries{}
	case 1:
		return refusedTries{"1 try was", s.rowOf(tries[0])}
	case audit.MaxAttempts:
		return refusedTries{fmt.Sprintf("%d tries or more were", n), s.rowOf(tries[0])}
	}
	return refusedTries{fmt.Sprintf("%d tries were", n), s.rowOf(tries[0])}
}

func (s *Room) eventRows(all []audit.Entry) []eventRow {
	rows := make([]eventRow, len(all))
	for i, e := range all {
		rows[i] = s.rowOf(e)
	}
	return rows
}

func (s *Room) rowOf(e audit.Entry) eventRow {
	return eventRow{eventLabel(e), web.MomentAt(e.At, s.Now()), eventOrigin(e)}
}

// eventLabel returns the event in words, with its detail, such as an app password's
// name.
func eventLabel(e audit.Entry) string {
	if e.Detail == "" {
		return eventLabels[e.Kind]
	}
	return eventLabels[e.Kind] + ": " + e.Detail
}

func eventOrigin(e audit.Entry) string {
	if e.By.Address == "" {
		return "by a command on the server"
	}
	return browser.Words(e.By.Agent) + ", " + e.By.Address
}
