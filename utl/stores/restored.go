package stores

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// restoredRows is how many accounts one transaction changes.
const restoredRows = 500

// afterRestore prepares a database that is a restored backup for use. What was ended, used
// or sent since the backup was made is not recorded in it. So afterRestore ends all
// sessions and known devices, and deletes links, tickets and mails that wait. If it is
// interrupted, the next start repeats it.
func (s *Stores) afterRestore(ctx context.Context) error {
	if s.DB.Postgres() { // its backups are made with other tools and are not marked
		return nil
	}
	made, err := s.DB.Restored(ctx)
	if err != nil || made.IsZero() {
		return err
	}
	if err := s.endAllSessions(ctx); err != nil {
		return fmt.Errorf("ending the sessions of a backup: %w", err)
	}
	for _, q := range []string{
		`DELETE FROM tickets WHERE code_hash IN (SELECT code_hash FROM tickets LIMIT ?)`,
		`DELETE FROM links WHERE code_hash IN (SELECT code_hash FROM links WHERE used_at = 0 LIMIT ?)`,
		`DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE sent_at = 0 AND failed_at = 0 LIMIT ?)`,
		`DELETE FROM pending_signups WHERE id IN (SELECT id FROM pending_signups LIMIT ?)`,
		`DELETE FROM forgotten WHERE id IN (SELECT id FROM forgotten WHERE done_at = 0 LIMIT ?)`,
	} {
		if err := s.deleteAll(ctx, q); err != nil {
			return fmt.Errorf("deleting what waits in a backup: %w", err)
		}
	}
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := db.BackupUsed(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.Accounts.Now(), audit.Command(), audit.Event{Kind: "database.restored", Detail: made.Format(time.RFC3339)})
	})
	if err == nil {
		s.Log.WarnContext(ctx, "this database was a backup: all sessions and known devices are ended, and links, invitations and mails that waited are dropped; "+
			"passwords, app passwords, roles and disabled accounts are as they were when it was made", slog.Time("made", made))
	}
	return err
}

// endAllSessions increments the epochs of every account, which ends all sessions and known
// devices.
func (s *Stores) endAllSessions(ctx context.Context) error {
	for last := ""; ; {
		var ids []string
		err := s.DB.Tx(ctx, func(tx *db.Tx) (err error) {
			ids, err = db.All(ctx, tx, db.Text, `SELECT id FROM accounts WHERE id > ? ORDER BY id LIMIT ?`, last, restoredRows)
			if err != nil || len(ids) == 0 {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE accounts SET session_epoch = session_epoch + 1, epoch = epoch + 1 WHERE id > ? AND id <= ?`, last, ids[len(ids)-1])
			return err
		})
		if err != nil || len(ids) < restoredRows {
			return err
		}
		last = ids[len(ids)-1]
	}
}

// deleteAll runs the DELETE statement, whose last placeholder is its LIMIT, until nothing is
// left to delete.
func (s *Stores) deleteAll(ctx context.Context, q string) error {
	for {
		var n int64
		err := s.DB.Tx(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(ctx, q, restoredRows)
			return err
		})
		if err != nil || n < restoredRows {
			return err
		}
	}
}
