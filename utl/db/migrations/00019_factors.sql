-- +goose Up
-- Authenticator apps, recovery codes and sign-ins that wait for one of them. Times
-- are microseconds since 1970 in UTC; 0 means "not yet".

ALTER TABLE accounts ADD COLUMN factor_epoch BIGINT NOT NULL DEFAULT 0; -- counts up when a factor is added or removed: what was proven before starts no session

CREATE TABLE authenticators (                  -- authenticator apps that are on
    account_id TEXT   PRIMARY KEY,
    secret     TEXT   NOT NULL,                -- AES-256-GCM, in base64url: nonce, then 20 bytes
    key_id     TEXT   NOT NULL,                -- tells the keys apart, reveals nothing
    last_step  BIGINT NOT NULL,                -- the newest 30 seconds whose code was used
    made_at    BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
    code_hash  TEXT   PRIMARY KEY,             -- SHA-256 of account id and code, in hexadecimal
    account_id TEXT   NOT NULL,
    made_at    BIGINT NOT NULL,
    saved_at   BIGINT NOT NULL DEFAULT 0,      -- when the person said so
    used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX recovery_codes_by_account ON recovery_codes (account_id);

CREATE TABLE code_failures (                   -- wrong codes, of one account from everywhere
    account_id TEXT   PRIMARY KEY,
    since_at   BIGINT NOT NULL,                -- when the day of in_day began
    in_day     BIGINT NOT NULL,
    in_row     BIGINT NOT NULL                 -- since the last right one
);

CREATE TABLE pending_signins (                 -- the password was right, the second factor is still to come
    code_hash    TEXT    PRIMARY KEY,          -- SHA-256 of what the cookie carries, in hexadecimal
    account_id   TEXT    NOT NULL,
    epoch        BIGINT  NOT NULL,             -- the account's and its factors': good while both are the same
    factor_epoch BIGINT  NOT NULL,
    amr          TEXT    NOT NULL,             -- what was proven, as in sessions
    remember     INTEGER NOT NULL,
    next         TEXT    NOT NULL,             -- where the sign-in leads
    wrong        BIGINT  NOT NULL DEFAULT 0,   -- codes
    expires_at   BIGINT  NOT NULL
);
CREATE INDEX pending_signins_by_account ON pending_signins (account_id, expires_at);
CREATE INDEX pending_signins_by_end ON pending_signins (expires_at);
