-- +goose Up
-- Times are microseconds since 1970 in UTC; 0 means "never" or "not yet".

CREATE TABLE app_passwords (
    id          TEXT   PRIMARY KEY,            -- what pages call it: grants nothing
    secret_hash TEXT   NOT NULL UNIQUE,        -- SHA-256 of the secret, in hexadecimal
    account_id  TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    hosts       TEXT   NOT NULL,               -- gate hosts, with commas between them; '': every one
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL DEFAULT 0      -- last use, to the minute
);
CREATE INDEX app_passwords_by_account ON app_passwords (account_id);
