package cli

import (
	"cmp"
	"context"
	"errors"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

var errDay = errors.New("a day is like 2026-11-28")

type auditCommand struct {
	listing

	Who  string `help:"Only what happened to this account, or what it did." placeholder:"NAME"`
	Kind string `help:"Only events of this kind, such as signin.ok." placeholder:"KIND"`
	Day  day    `help:"Only what happened on this day in UTC." placeholder:"YYYY-MM-DD"`
}

// day is a flag's value like 2026-11-28.
type day struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *day) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err != nil {
		return errDay
	}
	return nil
}

type auditLine struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Username string    `json:"username"`
	By       string    `json:"by"`
	Detail   string    `json:"detail"`
	Address  string    `json:"address"`
	Agent    string    `json:"agent"`
}

// auditRows is how many lines are aligned as one table.
const auditRows = 100

// Run prints the audit log, newest first: time, event, account, actor, address, detail.
func (c *auditCommand) Run(ctx context.Context, a *app) error {
	q := audit.Query{Kind: c.Kind, Day: c.Day.Time}
	if c.Who != "" {
		name, err := account.Username(c.Who)
		if err != nil {
			return err
		}
		q.Who = name
	}
	return a.withStores(ctx, func(st *Stores) error {
		var rows []row
		err := st.Accounts.EachEntry(ctx, q, func(e audit.Entry) error {
			if rows = append(rows, auditRow(e)); len(rows) < auditRows {
				return nil
			}
			full := rows
			rows = rows[:0]
			return c.print(a, full)
		})
		return cmp.Or(err, c.print(a, rows))
	})
}

func auditRow(e audit.Entry) row {
	return row{
		auditLine{e.ID, e.At, e.Kind, e.Username, e.By.Name, e.Detail, e.By.Address, e.By.Agent},
		[]string{at(e.At), e.Kind, dash(e.Username), dash(e.By.Name), dash(e.By.Address), e.Detail},
	}
}
