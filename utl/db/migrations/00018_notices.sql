-- +goose Up
-- Mail: an invitation has a second code, which is mailed; who forgot a password is
-- looked up later; a person is told of what happens to the account, and may lock it.

ALTER TABLE links ADD COLUMN mail_hash TEXT NULL; -- SHA-256 of the code in the link's mail; NULL: none was mailed
CREATE UNIQUE INDEX links_by_mail ON links (mail_hash);

CREATE TABLE forgotten (                        -- what was typed by those who forgot a password
    id         TEXT   PRIMARY KEY,              -- random
    typed      TEXT   NOT NULL,                 -- '' once it was looked up
    network    TEXT   NOT NULL,                 -- of the client: what is counted
    address    TEXT   NOT NULL,
    agent      TEXT   NOT NULL,                 -- the browser's User-Agent, capped
    created_at BIGINT NOT NULL,
    done_at    BIGINT NOT NULL DEFAULT 0        -- 0: not looked up yet
);
CREATE INDEX forgotten_due ON forgotten (created_at) WHERE done_at = 0;
CREATE INDEX forgotten_by_network ON forgotten (network, created_at);
CREATE INDEX forgotten_by_time ON forgotten (created_at);

CREATE TABLE notices (                          -- what no mail told, until it is read
    id         TEXT   PRIMARY KEY,              -- random
    account_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,                 -- a mail's kind
    detail     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,                 -- the username of whoever did it, if it is another's
    address    TEXT   NOT NULL,
    agent      TEXT   NOT NULL
);
CREATE INDEX notices_by_account ON notices (account_id, at);

ALTER TABLE accounts ADD COLUMN locked_until BIGINT NOT NULL DEFAULT 0; -- before then nobody changes how the person signs in
