-- +goose Up
-- Times are microseconds since 1970 in UTC.

ALTER TABLE accounts ADD COLUMN group_names TEXT NOT NULL DEFAULT ''; -- sorted, with commas between them
ALTER TABLE accounts ADD COLUMN email TEXT NOT NULL DEFAULT '';

CREATE TABLE tickets (
    code_hash  TEXT   PRIMARY KEY,             -- SHA-256 of the code, in hexadecimal
    sid        TEXT   NOT NULL,                -- whose gate cookie it becomes
    url        TEXT   NOT NULL,                -- where it leads on to, and by that the host it is good on
    expires_at BIGINT NOT NULL
);
