-- +goose Up
-- Times are microseconds since 1970 in UTC.

ALTER TABLE accounts ADD COLUMN session_epoch BIGINT NOT NULL DEFAULT 1; -- counts up when its sessions end all at once
ALTER TABLE sessions ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1;         -- the account's session_epoch: one of before is dead, whatever ended_at says

DROP INDEX sessions_by_change;
DROP INDEX sessions_by_account;
ALTER TABLE sessions DROP COLUMN changed_at;                             -- a server of before that still runs fails, rather than miss the ends of this one
CREATE INDEX sessions_by_account ON sessions (account_id, ended_at, epoch, started_at);
CREATE INDEX sessions_by_start ON sessions (started_at);

CREATE TABLE changes (                         -- what servers poll for, to forget it; the newest is always kept
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of commits: one connection writes
    at         BIGINT NOT NULL,
    sid        TEXT   NOT NULL,                -- of the session that changed or ended,
    account_id TEXT   NOT NULL                 -- or the account all of whose sessions did
);
INSERT INTO changes (at, sid, account_id) VALUES (0, '', '');

CREATE TABLE mass_ends (                       -- whose sessions are dead by their epoch, and more than one transaction can end
    account_id TEXT   PRIMARY KEY,
    epoch      BIGINT NOT NULL,                -- sessions of before it are to be ended
    at         BIGINT NOT NULL,                -- when they were
    username   TEXT   NOT NULL,
    actor_id   TEXT   NOT NULL,                -- who did it, as in audit
    actor      TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    agent      TEXT   NOT NULL
);
