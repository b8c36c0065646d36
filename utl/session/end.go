package session

import (
	"context"
	"fmt"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// EndDevice ends the account's session with the id that pages know it by. One
// that is not there, or is another account's, is none of its errors:
// db.ErrUnavailable.
func (s *Store) EndDevice(ctx context.Context, accountID, id string, by audit.Actor) error {
	return s.endWhere(ctx, by, `account_id = ? AND id = ?`, accountID, id)
}

// EndOthers ends the account's sessions, all but the one with the sid except.
// Errors: db.ErrUnavailable.
func (s *Store) EndOthers(ctx context.Context, accountID, except string, by audit.Actor) error {
	return s.endWhere(ctx, by, `account_id = ? AND sid <> ?`, accountID, except)
}

func (s *Store) endWhere(ctx context.Context, by audit.Actor, where string, args ...any) error {
	var ended []string
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) (err error) {
		ended, err = end(ctx, tx, s.opt.Now(), by, where, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("ending sessions: %w", err)
	}
	s.Forget(ended...)
	return nil
}
