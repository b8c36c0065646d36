-- +goose Up
-- Many connections write here, so ids are not in the order of commits.

ALTER TABLE changes ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id(); -- whose snapshots tell what is new
CREATE INDEX changes_by_xid ON changes (xid, id);

-- Last seen is written once a minute for each session: room for the row's next version on its page.
ALTER TABLE sessions SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
