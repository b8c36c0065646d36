package gate_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"glassjar/utl/gate"
	"glassjar/utl/hosts"
	"glassjar/utl/identity"
)

// The explanations of a request that is refused for its level: a person's, and one with
// an app password.
const (
	needed = "A second factor is needed: a request for a page is redirected to where it can be given, any other gets 401."
	none   = "A second factor is needed, and an app password does not count as one: 403."
)

// levels are combinations of the level that the app demands, the level that the
// proxy demands, and how the request was signed in.
var levels = []struct {
	name                 string
	app, demanded, level int
	program, takes       bool
	want                 gate.Outcome
	last                 string
}{
	{"one factor where one is enough", 1, 0, 1, false, false, gate.Pass, "It passes"},
	{"one factor where the app asks for two", 2, 0, 1, false, false, gate.LowLevel, needed},
	{"one factor where the proxy asks for two", 1, 2, 1, false, false, gate.LowLevel, needed},
	{"one factor where the proxy asks for less than the app", 2, 1, 1, false, false, gate.LowLevel, needed},
	{"two factors where both ask for them", 2, 2, 2, false, false, gate.Pass, "It passes"},
	{"an app password where one is enough", 1, 1, 0, true, true, gate.Pass, "It passes"},
	{"an app password where the app asks for two", 2, 0, 0, true, true, gate.LowLevel, none},
	{"an app password where the proxy asks for two", 1, 2, 0, true, true, gate.LowLevel, none},
	{"an app password where none passes", 2, 0, 0, true, false, gate.NoPrograms, "The app takes no app passwords: 403."},
}

// The demanded level applies to sessions and to app passwords, and the explanation
// agrees with the decision.
func TestLevels(t *testing.T) {
	public, err := url.Parse("https://jar.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range levels {
		var apps gate.Rules
		host, _ := hosts.ParsePattern("app.example")
		apps.Set([]gate.Rule{{ID: "a", Name: "App", Host: host, Level: row.app, Programs: row.takes}})
		g, err := gate.New(gate.Options{Public: public, Apps: &apps, Keys: [][32]byte{{1}}, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		q := gate.Question{Trusted: true, Program: row.program, Demands: gate.Demands{Level: row.demanded}}
		if q.Request, err = gate.ParseRequest(gate.Check, map[string][]string{"X-Original-Url": {"https://app.example/"}, "X-Original-Method": {"GET"}}); err != nil {
			t.Fatal(err)
		}
		v := g.Decide(&q, func(gate.Target) (gate.Subject, gate.Outcome, error) {
			return gate.Subject{Identity: identity.Identity{Username: "ada"}, How: gate.SignedIn{Level: row.level}}, gate.Pass, nil
		})
		if v.Outcome != row.want {
			t.Errorf("%s: got outcome %d, want %d", row.name, v.Outcome, row.want)
		}
		lines := gate.Explain(&q, v)
		if last := lines[len(lines)-1]; last.Holds != (v.Outcome == gate.Pass) || !strings.HasPrefix(last.Text, row.last) {
			t.Errorf("%s: it is explained as %+v, want %q", row.name, lines, row.last)
		}
	}
}
