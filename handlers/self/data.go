package self

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

const (
	dataPage = 1000   // events read at a time
	dataMost = 20_000 // maximum number of events in the file
)

// DataPage is the data of /account/data.
type DataPage struct{ web.Layout }

// ownData is everything that is stored about an account, without secrets and their hashes.
type ownData struct {
	At             time.Time        `json:"at"`
	Username       string           `json:"username"`
	Name           string           `json:"name"`
	Email          string           `json:"email"`
	EmailConfirmed bool             `json:"email_confirmed"`
	Role           string           `json:"role"`
	Groups         []string         `json:"groups"`
	Created        time.Time        `json:"created"`
	Sessions       []ownSession     `json:"sessions"`
	AppPasswords   []ownAppPassword `json:"app_passwords"`
	Passkeys       []ownPasskey     `json:"passkeys"`
	App            time.Time        `json:"authenticator_app,omitzero"` // when it was set up
	AppUsed        time.Time        `json:"authenticator_app_used,omitzero"`
	RecoveryLeft   int              `json:"recovery_codes_left"`
	Events         []ownEvent       `json:"events"` // newest first
	EventsLeftOut  bool             `json:"older_events_left_out"`
}

type ownSession struct {
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Address string    `json:"address"`
	Browser string    `json:"browser"`
}

type ownAppPassword struct {
	Name    string    `json:"name"`
	Hosts   string    `json:"hosts"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

type ownPasskey struct {
	Name string    `json:"name"`
	Host string    `json:"host"`
	Made time.Time `json:"made"`
	Used time.Time `json:"used,omitzero"`
}

type ownEvent struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"`
	Address string    `json:"address,omitempty"`
	Browser string    `json:"browser,omitempty"`
}

// DataForm answers GET /account/data: what the file contains, and a button to download it.
func (s *Room) DataForm(w http.ResponseWriter, _ *http.Request, me account.Account) error {
	return s.Render(w, http.StatusOK, "account-data", DataPage{layout(me)})
}

// DataSubmit answers POST /account/data: 200 with the person's own data as a JSON file.
func (s *Room) DataSubmit(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	data, err := s.ownData(r.Context(), me)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(data, "", "\t")
	if err != nil {
		return fmt.Errorf("writing the data of %q: %w", me.Username, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "glassjar-"+me.Username+".json"))
	_, _ = w.Write(append(text, '\n')) // an error means that the browser is gone
	return nil
}

// ownData reads what is stored about the account.
func (s *Room) ownData(ctx context.Context, me account.Account) (data ownData, err error) {
	p, err := s.Accounts.Person(ctx, me.Username)
	if err != nil {
		return data, err
	}
	data = ownData{
		At: s.Now().UTC(), Username: p.Username, Name: p.Name, Email: p.Email, EmailConfirmed: p.EmailConfirmed, Role: p.Role,
		Groups: p.GroupList(), Created: p.Created.UTC(), Sessions: []ownSession{}, AppPasswords: []ownAppPassword{}, Passkeys: []ownPasskey{}, Events: []ownEvent{},
	}
	sessions, err := s.Sessions.List(ctx, me.ID)
	if err != nil {
		return data, err
	}
	for _, one := range sessions {
		data.Sessions = append(data.Sessions, ownSession{one.Started.UTC(), one.Seen.UTC(), one.Address, one.Agent})
	}
	all, err := s.Accounts.AppPasswords(ctx, me.ID)
	if err != nil {
		return data, err
	}
	for _, one := range all {
		data.AppPasswords = append(data.AppPasswords, ownAppPassword{one.Name, one.Hosts, one.CreatedAt.UTC(), one.Expires.UTC(), one.LastUsedAt.UTC()})
	}
	st, err := s.Factors.Of(ctx, me.ID)
	if err != nil {
		return data, err
	}
	data.App, data.AppUsed, data.RecoveryLeft = st.App.UTC(), st.AppUsed.UTC(), st.Recovery.Left
	passkeys, err := s.PasskeyStore.List(ctx, me.ID)
	if err != nil {
		return data, err
	}
	for _, one := range passkeys {
		data.Passkeys = append(data.Passkeys, ownPasskey{one.Name, one.Host, one.CreatedAt.UTC(), one.LastUsedAt.UTC()})
	}
	return data, s.ownEvents(ctx, me, &data)
}

// ownEvents adds the newest events of the account to the data.
func (s *Room) ownEvents(ctx context.Context, me account.Account, data *ownData) error {
	for before := int64(math.MaxInt64); ; {
		page, err := s.Accounts.EventsBefore(ctx, me.ID, before, dataPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			data.Events = append(data.Events, ownEventOf(e))
		}
		if len(page) < dataPage {
			return nil
		}
		if data.EventsLeftOut = len(data.Events) >= dataMost; data.EventsLeftOut {
			return nil
		}
		before = page[dataPage-1].ID
	}
}

func ownEventOf(e audit.Entry) ownEvent {
	return ownEvent{At: e.At.UTC(), What: web.NewEventRow(e, e.At).What, Address: e.By.Address, Browser: e.By.Agent}
}
