-- +goose Up
-- The mails that wait to be sent, those sent within a day, and those that were
-- given up. A link's code is made when its mail is sent, and is in no row.
-- Times are microseconds since 1970 in UTC.

CREATE TABLE mails (
    id         TEXT   PRIMARY KEY,             -- random; with the sender's domain it is the Message-ID
    kind       TEXT   NOT NULL,                -- reset, password-changed, …
    account_id TEXT   NOT NULL,                -- whom it is about; '' for an invitation
    recipient  TEXT   NOT NULL,                -- email address
    params     TEXT   NOT NULL,                -- JSON: what the mail tells; '' once it is sent or given up
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,                -- not to be sent before; while a server sends it, until when it has time for that
    tries      BIGINT NOT NULL DEFAULT 0,      -- counts up when a server begins to send it
    error      TEXT   NOT NULL DEFAULT '',     -- why the last try failed
    sent_at    BIGINT NOT NULL DEFAULT 0,      -- 0: not sent
    failed_at  BIGINT NOT NULL DEFAULT 0       -- 0: not given up
);
CREATE INDEX mails_due ON mails (next_at) WHERE sent_at = 0 AND failed_at = 0;
CREATE INDEX mails_failed ON mails (failed_at) WHERE failed_at > 0;
CREATE INDEX mails_by_recipient ON mails (recipient, kind, created_at);
CREATE INDEX mails_by_time ON mails (created_at);
