package stores

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/keyring"
)

// keyUse is how long after a server's last note a key counts as in use. Each server notes
// its key once a minute.
const keyUse = 10 * time.Minute

// OtherKeysError means that the other servers sign with keys none of which this server has:
// each would refuse the others' cookies.
type OtherKeysError struct{ Ours, Theirs []string } // key ids, as in glassjar keys list

func (e OtherKeysError) Error() string {
	return fmt.Sprintf("the other servers of this database sign with the session key %s, and this one has only %s: "+
		"give it their SESSION_KEYS. To change to new keys, which signs everybody out, stop all servers for 10 minutes",
		strings.Join(e.Theirs, ", "), strings.Join(e.Ours, ", "))
}

// UseKeys stores in the database which session key this server signs with. Call it before
// the server serves. With SQLite there is only one server, and it does nothing. Errors:
// OtherKeysError, db.ErrUnavailable.
func (s *Stores) UseKeys(ctx context.Context) error {
	if !s.DB.Postgres() {
		return nil
	}
	theirs, err := s.noteKey(ctx, true)
	if err != nil {
		return fmt.Errorf("comparing the session keys with other servers': %w", err)
	}
	s.ring.Store(&s.Ring)
	s.warnOfKeys(ctx, theirs)
	return nil
}

// noteKey stores the key that signs here, and returns the keys of other servers that are
// not known here. If must is true and no key of any other server is known, it stores
// nothing and returns OtherKeysError.
func (s *Stores) noteKey(ctx context.Context, must bool) (unknown []string, err error) {
	ring := s.Ring
	if now := s.ring.Load(); now != nil {
		ring = *now
	}
	now := s.Accounts.Now()
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "keys"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM key_uses WHERE at < ?`, db.Micros(now.Add(-keyUse))); err != nil {
			return err
		}
		used, err := db.All(ctx, tx, db.Text, `SELECT key_id FROM key_uses ORDER BY at DESC LIMIT 100`)
		if err != nil {
			return err
		}
		ours := ring.IDs()
		unknown = slices.DeleteFunc(slices.Clone(used), func(id string) bool { return slices.Contains(ours, id) })
		if must && len(used) > 0 && len(unknown) == len(used) {
			return OtherKeysError{Ours: ours, Theirs: used}
		}
		_, err = tx.Exec(ctx, `INSERT INTO key_uses (key_id, at) VALUES (?, ?) ON CONFLICT (key_id) DO UPDATE SET at = excluded.at`, ours[0], db.Micros(now))
		return err
	})
	return unknown, err
}

// OtherKeys returns the ids of keys that other servers sign with and this one does not
// have. Errors: db.ErrUnavailable.
func (s *Stores) OtherKeys(ctx context.Context) ([]string, error) {
	used, err := db.All(ctx, s.DB, db.Text, `SELECT key_id FROM key_uses WHERE at >= ? ORDER BY at DESC LIMIT 100`, db.Micros(s.Accounts.Now().Add(-keyUse)))
	return slices.DeleteFunc(used, func(id string) bool { return slices.Contains(s.Ring.IDs(), id) }), err
}

// keepKey stores again which key signs, if UseKeys was called.
func (s *Stores) keepKey(ctx context.Context) error {
	if s.ring.Load() == nil {
		return nil
	}
	unknown, err := s.noteKey(ctx, false)
	if err == nil {
		s.warnOfKeys(ctx, unknown)
	}
	return err
}

// warnOfKeys logs that another server signs with a key that is not known here.
func (s *Stores) warnOfKeys(ctx context.Context, unknown []string) {
	if len(unknown) > 0 {
		s.Log.WarnContext(ctx, "another server signs with a session key that this one does not have, and people whose cookies it signed are signed out here: "+
			"give all servers the same SESSION_KEYS", slog.String("key", strings.Join(unknown, ",")))
	}
}

// changeKeys replaces the keys that keepKey stores.
func (s *Stores) changeKeys(ring keyring.Ring) {
	if s.ring.Load() != nil {
		s.ring.Store(&ring)
	}
}
