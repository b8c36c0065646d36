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
)

const (
	eventsLately = 5  // events on /account
	eventsEach   = 50 // events on a page of /account/events
)

// EventsPage is the data of /account/events.
type EventsPage struct {
	web.Layout

	Events []web.EventRow
	Later  bool  // whether there may be newer events
	Older  int64 // the arg before for the next page; 0: there is none
}

// refusedTries describes the sign-ins and app passwords that were refused in the last 24
// hours.
type refusedTries struct {
	Tries string // such as "1 try was"; empty: none
	Last  web.EventRow
}

// Events answers GET /account/events: all events of the account, also refused attempts,
// newest first, 50 per page. The arg before is the id of the last event of the page
// before.
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
	p.Events = web.EventRows(all, s.Now())
	return s.Render(w, http.StatusOK, "account-events", p)
}

// eventID returns the id in the arg before, or an id greater than all if there is none.
// Errors: web.ErrForm.
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

// recent returns the newest events of the account and, separately, its refused attempts,
// so that strangers' attempts displace no event.
func (s *Room) recent(ctx context.Context, me account.Account) ([]web.EventRow, refusedTries, error) {
	events, err := s.Accounts.Events(ctx, me.ID, eventsLately)
	if err != nil {
		return nil, refusedTries{}, err
	}
	tries, err := s.Accounts.Attempts(ctx, me.ID, audit.MaxAttempts)
	return web.EventRows(events, s.Now()), s.triesLately(tries), err
}

// triesLately returns how many of the attempts, which are sorted newest first, are from
// the last 24 hours. At most audit.MaxAttempts are stored per day.
func (s *Room) triesLately(tries []audit.Entry) refusedTries {
	n, since := 0, s.Now().Add(-24*time.Hour)
	for n < len(tries) && tries[n].At.After(since) {
		n++
	}
	switch n {
	case 0:
		return refusedTries{}
	case 1:
		return refusedTries{"1 try was", web.NewEventRow(tries[0], s.Now())}
	case audit.MaxAttempts:
		return refusedTries{fmt.Sprintf("%d tries or more were", n), web.NewEventRow(tries[0], s.Now())}
	}
	return refusedTries{fmt.Sprintf("%d tries were", n), web.NewEventRow(tries[0], s.Now())}
}
