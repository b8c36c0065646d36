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

// EndDevice ends the account's session with the id that pages know it by. That
// there is none, or that it is another account's, is no error.
// Errors: db.ErrUnavailable.
func (s *Store) EndDevice(ctx context.Context, accountID, id string, by audit.Actor) error {
	var ended []string
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) (err error) {
		ended, err = end(ctx, tx, s.opt.Now(), by, `account_id = ? AND id = ?`, accountID, id)
		return err
	})
	if errors.Is(err, db.ErrNone) { // PostgreSQL takes no such text
		return nil
	}
	if err != nil {
		return fmt.Errorf("ending a device's session: %w", err)
	}
	s.Forget(ended...)
	return nil
}

// EndOthers ends the account's sessions, all but the one with the sid except.
// Errors: db.ErrUnavailable.
func (s *Store) EndOthers(ctx context.Context, accountID, except string, by audit.Actor) error {
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error { return EndAll(ctx, tx, s.opt.Now(), by, accountID, except) })
	if err != nil {
		return fmt.Errorf("ending the other sessions: %w", err)
	}
	s.ForgetAccount(accountID)
	return nil
}

// makeRoom ends the account's oldest sessions, so that it has at most
// maxSessions when one more starts; those first that are over their limits. Of
// many more, which a database of before may have, it ends some.
func (s *Store) makeRoom(ctx context.Context, tx *db.Tx, now time.Time, by audit.Actor, accountID string) (ended []string, err error) {
	oldest, err := db.All(ctx, tx, scan, selectSessions+`s.account_id = ? ORDER BY s.started_at LIMIT ?`, accountID, 2*maxSessions)
	if err != nil || len(oldest) < maxSessions {
		return nil, err
	}
	slices.SortStableFunc(oldest, func(a, b Session) int { return db.Flag(s.alive(a, now)) - db.Flag(s.alive(b, now)) })
	for _, row := range oldest[:len(oldest)-maxSessions+1] {
		sids, err := end(ctx, tx, now, by, `sid = ?`, row.SID)
		if err != nil {
			return nil, err
		}
		ended = append(ended, sids...)
	}
	return ended, nil
}
