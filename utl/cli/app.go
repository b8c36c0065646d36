package cli

import (
	"context"
	"strconv"
	"strings"

	apps "glassjar/utl/app"
	"glassjar/utl/audit"
)

type appCommands struct {
	Add    appAdd    `cmd:"" help:"Put an app behind the gate."`
	List   appList   `cmd:"" help:"List the apps: host, name, groups, level, whether app passwords may pass, address, link."`
	Remove appRemove `cmd:"" help:"Remove an app: the gate no longer answers for its host, unless GATE_HOSTS has it."`
}

type appAdd struct {
	Host     string `arg:"" help:"The app's host, such as app.example, or *.apps.example for all below."`
	Name     string `help:"What the home page calls it; without one, the host." placeholder:"NAME"`
	Group    string `help:"Only people in these groups may open it, with commas between them." placeholder:"GROUPS"`
	Level    int    `default:"1" help:"1 (the default), or 2: only after two factors or a passkey." placeholder:"LEVEL"`
	Programs bool   `help:"App passwords may pass; not with level 2."`
	Upstream string `help:"Where the proxy reaches the app, host:port, for recipes." placeholder:"ADDRESS"`
	URL      string `name:"url" help:"The URL that the home page links to; without one, the host." placeholder:"URL"`
}

// Run adds the app.
func (c *appAdd) Run(ctx context.Context, a *app) error {
	wanted := apps.App{
		Host: c.Host, Name: c.Name, Upstream: c.Upstream, URL: c.URL, Groups: commas(c.Group), Level: c.Level, Programs: c.Programs,
	}
	if wanted.Name == "" {
		wanted.Name = c.Host
	}
	return a.withStores(ctx, func(st *Stores) error {
		if wanted.URL == "" {
			wanted.URL = apps.Link(c.Host, st.Config.URL(st.Config.Addr).Scheme)
		}
		made, err := st.Apps.Add(ctx, wanted, audit.Command())
		if err == nil {
			a.info("the gate answers for %s", made.Host)
		}
		return err
	})
}

type appList struct{ listing }

type appLine struct {
	Host     string   `json:"host"`
	Name     string   `json:"name"`
	Groups   []string `json:"groups"`
	Level    int      `json:"level"`
	Programs bool     `json:"programs"`
	Upstream string   `json:"upstream"`
	URL      string   `json:"url"`
}

// Run prints a line for each app.
func (c appList) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		all, err := st.Apps.List(ctx)
		if err != nil {
			return err
		}
		rows := make([]row, len(all))
		for i, one := range all {
			rows[i] = appRow(one)
		}
		return c.print(a, rows)
	})
}

func appRow(a apps.App) row {
	programs := "-"
	if a.Programs {
		programs = "programs"
	}
	return row{
		appLine{a.Host, a.Name, a.Groups, a.Level, a.Programs, a.Upstream, a.URL},
		[]string{a.Host, a.Name, dash(strings.Join(a.Groups, ",")), strconv.Itoa(a.Level), programs, dash(a.Upstream), dash(a.URL)},
	}
}

type appRemove struct {
	Host string `arg:"" help:"The app's host, as app list prints it."`
}

// Run removes the app.
func (c *appRemove) Run(ctx context.Context, a *app) error {
	return a.withStores(ctx, func(st *Stores) error {
		found, err := st.Apps.At(ctx, c.Host)
		if err == nil {
			err = st.Apps.Remove(ctx, found.ID, audit.Command())
		}
		if err == nil {
			a.info("%s is removed", found.Host)
		}
		return err
	})
}
