package cli

import (
	"context"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/session"
)

type sessionCommands struct {
	List sessionList `cmd:"" help:"List where somebody is signed in: last seen, since when, address, browser."`
	End  sessionEnd  `cmd:"" help:"Sign somebody out everywhere."`
}

type sessionList struct {
	named
	listing
}

type sessionLine struct {
	ID      string    `json:"id"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
}

// Run prints a line for each session, at most 100: an account has no more.
func (c *sessionList) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		who, err := st.Accounts.Find(ctx, c.Name)
		if err != nil {
			return err
		}
		all, err := st.Sessions.List(ctx, who.ID)
		if err != nil {
			return err
		}
		rows := make([]row, len(all))
		for i, one := range all {
			rows[i] = sessionRow(one)
		}
		return c.print(a, rows)
	})
}

func sessionRow(s session.Session) row {
	return row{
		sessionLine{s.ID, s.Started, s.Seen, s.Address, s.Agent},
		[]string{at(s.Seen), at(s.Started), dash(s.Address), s.Agent},
	}
}

type sessionEnd struct{ named }

// Run ends all of somebody's sessions.
func (c *sessionEnd) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Name, "is signed out everywhere", (*account.Store).EndSessions)
}
