-- +goose Up
-- Times are microseconds since 1970 in UTC; 0 means "never" or "not yet".

CREATE TABLE passkeys (
    id            TEXT   PRIMARY KEY,            -- what pages call it: grants nothing
    credential_id TEXT   NOT NULL UNIQUE,        -- what the browser calls it, in base64url
    account_id    TEXT   NOT NULL,
    rp_id         TEXT   NOT NULL,               -- the host name that it was made for: browsers use it for no other
    name          TEXT   NOT NULL,
    public_key    TEXT   NOT NULL,               -- COSE_Key, in base64url
    sign_count    BIGINT NOT NULL,               -- the highest that it signed; 0: it does not count
    flags         BIGINT NOT NULL,               -- the octet of the authenticator's data: user verified, backup eligible, backed up
    transports    TEXT   NOT NULL,               -- how the browser reaches it, with commas between
    may_sign_in   BIGINT NOT NULL,               -- 1: it may start a sign-in; 0: only follow a password
    created_at    BIGINT NOT NULL,
    used_at       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX passkeys_by_account ON passkeys (account_id);

-- Challenges that were used, until they expire. One that was only shown is in no
-- row: it carries its own date and signature.
CREATE TABLE used_challenges (
    hash       TEXT   PRIMARY KEY,               -- SHA-256 of the challenge, in hexadecimal
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_challenges_by_expiry ON used_challenges (expires_at);
