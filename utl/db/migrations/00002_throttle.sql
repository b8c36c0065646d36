-- +goose Up
-- Times are microseconds since 1970 in UTC.

CREATE TABLE throttle (
    key_hash TEXT   PRIMARY KEY,               -- SHA-256 of kind and parts, in hexadecimal: people type passwords as usernames
    kind     TEXT   NOT NULL,                  -- pair (address and account), address, account or device
    failures BIGINT NOT NULL,                  -- in this window
    since_at BIGINT NOT NULL,                  -- the window's first failure
    last_at  BIGINT NOT NULL                   -- the newest failure: a wait counts from here
);
