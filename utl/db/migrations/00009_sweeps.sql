-- +goose Up
-- What is swept in batches is found without reading the whole table.

CREATE INDEX links_by_account ON links (account_id);
CREATE INDEX links_by_end ON links (expires_at);
CREATE INDEX tickets_by_end ON tickets (expires_at);
CREATE INDEX throttle_by_kind ON throttle (kind, since_at);
CREATE INDEX throttle_by_time ON throttle (last_at);
