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
	Later  bool  // there may be newer events than these
	Older  int64 // the arg before of the next page; 0: there is none
}

// refusedTries are the sign-ins and app passwords that were refused in the
// last 24 hours.
type refusedTries struct {
	Tries string // such as "1 try was"; empty: none
	Last  web.EventRow
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
	p.Events = web.EventRows(all, s.Now())
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
func (s *Room) recent(ctx context.Context, me account.Account) ([]web.EventRow, refusedTries, error) {
	events, err := s.Accounts.Events(ctx, me.ID, eventsLately)
	if err != nil {
		return nil, refusedTries{}, err
	}
	tries, err := s.Accounts.Attempts(ctx, me.ID, audit.MaxAttempts)
	return web.EventRows(events, s.Now()), s.triesLately(tries), err
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
		return refusedTries{"1 try was", web.NewEventRow(tries[0], s.Now())}
	case audit.MaxAttempts:
		return refusedTries{fmt.Sprintf("%d tries or more were", n), web.NewEventRow(tries[0], s.Now())}
	}
	return refusedTries{fmt.Sprintf("%d tries were", n), web.NewEventRow(tries[0], s.Now())}
}
