package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// ProofLife is how long a proof is valid. Using it does not extend it.
const ProofLife = 10 * time.Minute

// Proven reports whether the person proved who they are within ProofLife.
func (s Session) Proven(now time.Time) bool {
	age := now.Sub(s.Proved)
	return age < ProofLife && age > -skew
}

// Prove records that the session's person just proved again who they are, and sends
// a cookie with a new token: the old cookie is refused here from then on, and by
// every other server within a second. The session and its gate cookies stay valid.
// Its level rises to what was proven, and never falls. Errors: ErrChanged, also
// when the session ended or was proven elsewhere meanwhile; db.ErrUnavailable; and
// those of v.With.
func (s *Store) Prove(w http.ResponseWriter, r *http.Request, found Session, v Verified, by audit.Actor) (Session, error) {
	if v.Level < 1 || v.AccountID != found.Identity.ID {
		return Session{}, errLevel
	}
	was, now := found.turn, s.opt.Now()
	found.turn, found.Proved = rand.Text(), now
	found.Level, found.AMR = max(found.Level, v.Level), JoinAMR(found.AMR, v.AMR)
	err := s.opt.DB.Tx(r.Context(), func(tx *db.Tx) error {
		return prove(r.Context(), tx, found, was, v, by)
	})
	if err != nil {
		return Session{}, fmt.Errorf("proving a session: %w", err)
	}
	s.Invalidate(found.SID)
	return found, s.send(w, r, found)
}

// prove writes the proof, if neither the session nor its account has changed.
func prove(ctx context.Context, tx *db.Tx, found Session, was string, v Verified, by audit.Actor) error {
	if err := LockAccount(ctx, tx, found.Identity.ID); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE sessions SET turn = ?, proved_at = ?, level = ?, amr = ? WHERE sid = ? AND turn = ? AND ended_at = 0
		AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = sessions.account_id AND a.session_epoch = sessions.epoch AND a.epoch = ? AND a.factor_epoch = ? AND a.disabled_at = 0)`,
		found.turn, db.Micros(found.Proved), found.Level, found.AMR, found.SID, was, v.Epoch, v.Factors)
	if err == nil && n == 0 {
		return ErrChanged
	}
	if err == nil {
		err = v.spend(ctx, tx)
	}
	if err == nil {
		err = changed(ctx, tx, found.Proved, found.SID, "")
	}
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, found.Proved, by, audit.Event{Kind: "session.proved", AccountID: found.Identity.ID, Username: found.Username})
}

// JoinAMR returns the sorted union of two lists of factors, as in Session.AMR.
func JoinAMR(a, b string) string {
	all := append(strings.Fields(a), strings.Fields(b)...)
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}
