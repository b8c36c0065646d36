-- +goose Up
-- account_groups from the lists with commas.

INSERT INTO account_groups (group_name, username)
SELECT g.name, a.username FROM accounts a, unnest(string_to_array(a.group_names, ',')) AS g (name) WHERE a.group_names <> '';
