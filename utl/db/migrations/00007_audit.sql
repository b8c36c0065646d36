-- +goose Up
-- Rows get a key, by which they are read in their order and page by page, and
-- what strangers can cause without end is told from what an account did.
-- Times are microseconds since 1970 in UTC.

CREATE TABLE events (
    id         INTEGER PRIMARY KEY,            -- in the order of their making
    at         BIGINT  NOT NULL,
    event      TEXT    NOT NULL,               -- signin.ok, session.ended, …
    attempt    INTEGER NOT NULL DEFAULT 0,     -- 1: a sign-in or an app password that was refused
    actor_id   TEXT    NOT NULL,               -- '' for the command line and for strangers
    actor      TEXT    NOT NULL,
    account_id TEXT    NOT NULL,               -- whom it happened to
    username   TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    agent      TEXT    NOT NULL,
    detail     TEXT    NOT NULL
);
INSERT INTO events (at, event, attempt, actor_id, actor, account_id, username, address, agent, detail)
    SELECT at, event, CASE WHEN event IN ('signin.failed', 'signin.throttled', 'apppassword.failed') THEN 1 ELSE 0 END,
        actor_id, actor, account_id, username, address, agent, detail FROM audit ORDER BY at;
DROP TABLE audit;
ALTER TABLE events RENAME TO audit;
CREATE INDEX audit_by_account ON audit (account_id, id);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_of_account ON audit (account_id, id) WHERE attempt = 0;
CREATE INDEX audit_attempts ON audit (account_id, id) WHERE attempt = 1;
