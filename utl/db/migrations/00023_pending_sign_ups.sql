-- +goose Up
-- With mail, who signs up gets an account only by the link that is mailed to the
-- address. Times are microseconds since 1970 in UTC.

CREATE TABLE pending_signups (
    id         TEXT   PRIMARY KEY,             -- random
    code_hash  TEXT   NULL,                    -- SHA-256 of the code in the mail's link; NULL: not mailed yet
    username   TEXT   NOT NULL,                -- what the account shall be called: it keeps nobody else from the name
    password   TEXT   NOT NULL,                -- hash
    email      TEXT   NOT NULL,                -- where the link is mailed
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX pending_signups_by_code ON pending_signups (code_hash);
CREATE INDEX pending_signups_by_time ON pending_signups (created_at);
