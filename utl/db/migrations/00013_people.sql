-- +goose Up
-- Owners look people up: by the beginning of a word, by group, by role and state.

CREATE TABLE account_words (                    -- what an account is found by, in lower case
    word     TEXT NOT NULL,                     -- its username, its email address, or a word of its name
    username TEXT NOT NULL,
    PRIMARY KEY (word, username)
);
CREATE INDEX account_words_by_name ON account_words (username);
INSERT INTO account_words (word, username) SELECT username, username FROM accounts;

CREATE TABLE account_groups (                   -- accounts.group_names once more, to find people by
    group_name TEXT NOT NULL,
    username   TEXT NOT NULL,
    PRIMARY KEY (group_name, username)
);
CREATE INDEX account_groups_by_name ON account_groups (username);

CREATE TABLE deleted_names (                    -- usernames of deleted accounts, which nobody else may take
    username   TEXT   PRIMARY KEY,
    deleted_at BIGINT NOT NULL
);

ALTER TABLE accounts ADD COLUMN email_confirmed INTEGER NOT NULL DEFAULT 0; -- 1: a link to the address was opened
CREATE UNIQUE INDEX accounts_by_email ON accounts (email) WHERE email_confirmed = 1; -- anybody can type an address that is not theirs
CREATE INDEX accounts_by_role ON accounts (role, username);
CREATE INDEX accounts_disabled ON accounts (username) WHERE disabled_at <> 0;
