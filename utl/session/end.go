package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// EndDevice ends the account's session with this Session.ID. If the account has no
// such session, it does nothing. Errors: db.ErrUnavailable.
func (s *Store) EndDevice(ctx context.Context, accountID, id string, by audit.Actor) error {
	var ended []string
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) (err error) {
		ended, err = end(ctx, tx, s.opt.Now(), by, `account_id = ? AND id = ?`, accountID, id)
		return err
	})
	if errors.Is(err, db.ErrNone) { // an id that PostgreSQL cannot store, such as one with NUL
		return nil
	}
	if err != nil {
		return fmt.Errorf("ending a device's session: %w", err)
	}
	s.Invalidate(ended...)
	return nil
}

// EndOthers ends all sessions of the account except the one with the sid except.
// Errors: db.ErrUnavailable.
func (s *Store) EndOthers(ctx context.Context, accountID, except string, by audit.Actor) error {
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error { return EndAll(ctx, tx, s.opt.Now(), by, accountID, except) })
	if err != nil {
		return fmt.Errorf("ending the other sessions: %w", err)
	}
	s.InvalidateAccount(accountID)
	return nil
}

// makeRoom ends the account's oldest sessions, expired ones first, so that it has
// at most maxSessions when one more starts. It looks at 200 of them: an account
// with more, from before the limit, shrinks with each sign-in.
func (s *Store) makeRoom(ctx context.Context, tx *db.Tx, now time.Time, by audit.Actor, accountID string) (ended []string, err error) {
	oldest, err := db.All(ctx, tx, scan, selectSessions+`s.account_id = ? ORDER BY s.started_at LIMIT ?`, accountID, 2*maxSessions)
	if err != nil || len(oldest) < maxSessions {
		return nil, err
	}
	slices.SortStableFunc(oldest, func(a, b Session) int { return db.Flag(s.withinLimits(a, now)) - db.Flag(s.withinLimits(b, now)) })
	for _, row := range oldest[:len(oldest)-maxSessions+1] {
		sids, err := end(ctx, tx, now, by, `sid = ?`, row.SID)
		if err != nil {
			return nil, err
		}
		ended = append(ended, sids...)
	}
	return ended, nil
}

// End ends the session. From its return on this server refuses it; other servers do
// within a second. When the database cannot be written, this server refuses it all
// the same, the end is written when the database is back, and the error is
// db.ErrUnavailable.
func (s *Store) End(ctx context.Context, sid string, by audit.Actor) error {
	ctx = context.WithoutCancel(ctx) // a browser that went away is still signed out
	now := s.opt.Now()
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := end(ctx, tx, now, by, `sid = ?`, sid)
		return err
	})
	if err != nil {
		s.cache.endLater(sid, by, now)
		return fmt.Errorf("ending a session: %w", err)
	}
	s.Invalidate(sid)
	return nil
}

// Invalidate removes the sessions from the cache: the next request reads their rows.
func (s *Store) Invalidate(sids ...string) { s.cache.invalidate(sids...) }

// InvalidateAccount removes the account's sessions from the cache: the next request of
// each reads its row.
func (s *Store) InvalidateAccount(id string) { s.cache.invalidateAccount(id) }
