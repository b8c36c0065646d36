package db

import "context"

const (
	sweepRows    = 1000 // that one transaction of a sweep changes
	sweepBatches = 20   // transactions of one call
)

// Sweep runs a DELETE or UPDATE whose last placeholder is the LIMIT of what it
// changes, 1,000 rows at a time, each time in a transaction of its own: others
// write in between. It changes 20,000 rows at most; what is left is for the next
// call. A query that ends its choice of rows with /* FOR UPDATE SKIP LOCKED */ leaves
// those that others are changing.
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
