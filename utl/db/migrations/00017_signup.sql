-- +goose Up
-- Strangers can ask for an account, and owners read what a person did.
-- Times are microseconds since 1970 in UTC.

ALTER TABLE accounts ADD COLUMN waiting_at BIGINT NOT NULL DEFAULT 0; -- since when an owner has to say yes; disabled_at is set too, so the account can do nothing
CREATE INDEX accounts_waiting ON accounts (username) WHERE waiting_at <> 0;

CREATE INDEX audit_by_actor ON audit (actor, at, id);
CREATE INDEX audit_by_actor_kind ON audit (actor, event, at, id);
CREATE INDEX audit_by_name_kind ON audit (username, event, at, id);
