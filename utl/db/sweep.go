package db

import "context"

const (
	sweepRows    = 1000 // rows that one transaction of a sweep changes at most
	sweepBatches = 20   // transactions of one call at most
)

// Sweep runs a DELETE or UPDATE whose last placeholder is the LIMIT of its rows. It
// repeats it in transactions of 1,000 rows, so that others can write in between, and
// changes at most 20,000 rows; the next call does the rest. A query whose selection
// ends with /* FOR UPDATE SKIP LOCKED */ skips rows that other transactions hold.
// Errors: ErrUnavailable.
func (d *DB) Sweep(ctx context.Context, q string, args ...any) error {
	args = append(args, sweepRows)
	for range sweepBatches {
		var n int64
		err := d.Tx(ctx, func(tx *Tx) (err error) {
			n, err = tx.Exec(ctx, q, args...)
			return err
		})
		if err != nil || n < sweepRows {
			return err
		}
	}
	return nil
}
