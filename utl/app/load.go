package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/gate"
)

const (
	loadEvery    = 500 * time.Millisecond
	loadWait     = 2 * time.Second
	maxStaleness = 10 * time.Second // since the last successful Load: with older rules the gate lets nobody pass
)

// Load updates the gate's rules from the database. If nothing changed since the last
// Load, it reads one row. Errors: db.ErrUnavailable.
func (s *Store) Load(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	stamp, err := db.One(ctx, s.DB.Reserved(), db.Text, `SELECT stamp FROM app_changes WHERE id = 1`)
	if err != nil && !errors.Is(err, db.ErrNone) {
		return fmt.Errorf("looking for changed apps: %w", err)
	}
	if s.loaded && stamp == s.stamp {
		return nil
	}
	all, err := db.All(ctx, s.DB.Reserved(), scan, selectApps+` ORDER BY id LIMIT ?`, MaxApps) // read after the stamp, so that a change in between is only read once more
	if err != nil {
		return fmt.Errorf("reading the apps: %w", err)
	}
	rules := make([]gate.Rule, 0, len(all))
	for _, a := range all {
		if rule, ok := a.rule(); ok {
			rules = append(rules, rule)
		}
	}
	s.Rules.Set(rules)
	slices.SortFunc(all, func(a, b App) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	s.launcher.Store(&all)
	s.stamp, s.loaded = stamp, true
	return nil
}

// Run calls Load twice a second until ctx ends. If that fails for 10 s, the gate forgets
// the rules, and lets nobody pass to any host until a Load succeeds.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	good, healthy := s.Now(), true
	for {
		began := s.Now()
		err := s.Load(ctx)
		if err == nil {
			good = began
		} else if s.Now().Sub(good).Abs() > maxStaleness {
			s.forget()
		}
		if (err == nil) != healthy && ctx.Err() == nil {
			healthy = err == nil
			s.Log.WarnContext(ctx, "the gate's rules of apps", "up_to_date", healthy, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// forget makes the gate let nobody pass until the next successful Load.
func (s *Store) forget() {
	s.loading.Lock()
	defer s.loading.Unlock()
	s.Rules.Forget()
	s.loaded = false
}
