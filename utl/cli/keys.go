package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/keyring"
)

type keysCommands struct {
	List   keysList   `cmd:"" help:"List the keys: position, id, what it does, where it is kept."`
	Rotate keysRotate `cmd:"" help:"Add a new key, which signs new cookies; those signed with the old ones stay valid. Where the keys are not in .env, it only prints the new SESSION_KEYS, for you to put there."`
	Prune  keysPrune  `cmd:"" help:"Drop all keys but the newest, and every cookie that they signed. Where the keys are not in .env, it only prints the new SESSION_KEYS, for you to put there."`
}

type keysList struct{ listing }

type keyLine struct {
	Position int    `json:"position"`
	ID       string `json:"id"`
	Signs    bool   `json:"signs"` // whether it signs; every key verifies
	Kept     string `json:"kept"`
}

// Run prints a line for each key. It creates no key.
func (c keysList) Run(a *app) error {
	ring, home, err := a.ring()
	if err != nil {
		return err
	}
	var rows []row
	for i, id := range ring.IDs() {
		does := "verifies"
		if i == 0 {
			does = "signs"
		}
		rows = append(rows, row{keyLine{i + 1, id, i == 0, home}, []string{strconv.Itoa(i + 1), id, does, home}})
	}
	return c.print(a, rows)
}

// fromEnv stands for keys that come from the environment and not from a file.
const fromEnv = "environment"

// ring returns the keys, and where they come from: the .env file, the file that
// SESSION_KEYS_FILE or systemd names, or fromEnv. Errors: keyring.ErrNoKeys, noSiteError, and
// those of the settings.
func (a *app) ring() (ring keyring.Ring, home string, err error) {
	cfg, err := a.Config()
	switch {
	case err != nil:
		return keyring.Ring{}, "", err
	case cfg.KeysFromEnv:
		ring, err = keyring.Parse(cfg.SessionKeys)
		return ring, cmp.Or(cfg.SessionKeysFile, fromEnv), err
	}
	ring, err = keyring.Read(a.Dotenv)
	if errors.Is(err, keyring.ErrNoKeys) {
		if missing := a.site(); missing != nil {
			err = missing
		}
	}
	return ring, a.Dotenv, err
}

type keysRotate struct{}

const untilPrune = "old cookies stay good until: glassjar keys prune"

// Run adds a new key before the others.
func (keysRotate) Run(ctx context.Context, a *app) error {
	ring, home, err := a.ring()
	if err != nil {
		return err
	}
	if cfg, fault := a.Config(); fault == nil && cfg.Postgres() {
		return a.showSteps(ring)
	}
	if home != a.Dotenv {
		return a.show(ring, home, keyring.Ring.Rotate, untilPrune)
	}
	return a.withStores(ctx, func(st *Stores) error {
		ring, err := keyring.RotateFile(a.Dotenv)
		if err != nil {
			return err
		}
		a.info("key %s signs from now on; a running server takes it up within a second\n%s", ring.IDs()[0], untilPrune)
		return a.recordKey(ctx, st, "key.rotated", ring)
	})
}

type keysPrune struct{}

// pruneHint says whom pruning signs out. Their names are not known: only the browsers know
// which key signed their cookies.
const pruneHint = "it signs out everybody whose browser has not been on a page of this site since the last rotation: " +
	"only there it gets a cookie signed with the newest key"

// Run removes every key except the newest.
func (keysPrune) Run(ctx context.Context, a *app) error {
	ring, home, err := a.ring()
	if err != nil {
		return err
	}
	if ring.Len() == 1 {
		a.info("there is one key: nothing to prune")
	}
	prune := func(r keyring.Ring) (keyring.Ring, error) { return r.Prune(), nil }
	if home != a.Dotenv {
		_, missing := errors.AsType[noSiteError](a.site())
		if missing || ring.Len() == 1 { // nothing was encrypted with the old keys
			return a.show(ring, home, prune, pruneHint)
		}
	}
	if ring.Len() == 1 {
		return nil
	}
	return a.withStores(ctx, func(st *Stores) error {
		if err := a.reencrypt(ctx, st, ring); err != nil {
			return err
		}
		if home != a.Dotenv {
			return a.show(ring, home, prune, pruneHint)
		}
		ring, err := keyring.PruneFile(a.Dotenv)
		if err != nil {
			return err
		}
		a.info("key %s is the only one now; a running server takes it up within a second\n%s", ring.IDs()[0], pruneHint)
		return a.recordKey(ctx, st, "key.pruned", ring)
	})
}

// reencrypt encrypts with the newest key what was encrypted with the old ones.
func (a *app) reencrypt(ctx context.Context, st *Stores, ring keyring.Ring) error {
	if err := st.Factors.SetKeys(ring.Derive("factor")); err != nil {
		return err
	}
	broken, err := st.Factors.Reencrypt(ctx)
	if broken > 0 {
		a.info("%d authenticator apps cannot be used: no key here opens their secrets; for each person: glassjar user clear-factors NAME", broken)
	}
	return err
}

// show prints the SESSION_KEYS that change makes of the keys from home, which is not .env.
// Only whoever set them there can change them.
func (a *app) show(was keyring.Ring, home string, change func(keyring.Ring) (keyring.Ring, error), then string) error {
	ring, err := change(was)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Stdout, ring.Text())
	switch {
	case ring.Len() == was.Len():
	case home == fromEnv:
		a.info("nothing is changed yet: SESSION_KEYS comes from the environment; set it there to what is on stdout, "+
			"a secret, and restart glassjar\n%s", then)
	default:
		a.info("nothing is changed yet: the keys come from %s; put what is on stdout, a secret, into that file, "+
			"with systemd into the one that LoadCredential= names, and restart glassjar\n%s", home, then)
	}
	return nil
}

// showSteps prints the two values of SESSION_KEYS by which several servers get a new key. If
// one signed with it before the others had it, they would sign people out.
func (a *app) showSteps(was keyring.Ring) error {
	ring, err := was.Rotate()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Stdout, "%s\n%s\n", ring.Behind().Text(), ring.Text())
	a.info("nothing is changed yet: with PostgreSQL there may be several servers, and each must know a key before another signs with it. " +
		"First give every server the first line of stdout, a secret, in the place of its SESSION_KEYS, and restart it; when all have it, do the same with the second")
	a.info(untilPrune)
	return nil
}

// recordKey writes the audit entry of changed keys in the file.
func (a *app) recordKey(ctx context.Context, st *Stores, kind string, ring keyring.Ring) error {
	err := st.DB.Tx(ctx, func(tx *db.Tx) error {
		return audit.Record(ctx, tx, st.Accounts.Now(), audit.Command(), audit.Event{Kind: kind, Detail: ring.IDs()[0]})
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errNotAudited, err)
	}
	return nil
}
