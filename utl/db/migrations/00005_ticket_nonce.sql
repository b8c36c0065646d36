-- +goose Up
ALTER TABLE tickets ADD COLUMN nonce_hash TEXT NOT NULL DEFAULT ''; -- SHA-256, in hexadecimal, of what the one browser holds that it is good in
