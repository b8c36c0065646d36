package stores

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"glassjar/utl/anatomy"
	"glassjar/utl/gate"
	"glassjar/utl/keyring"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// Signers are the objects, besides the sessions, that use keys derived from the session
// keys.
type Signers struct {
	Devices *session.Devices
	Lab     *anatomy.Lab // nil with LAB=off
	Gate    *gate.Gate

	Passkeys *passkey.Store

	stores *Stores
	keys   keyring.Ring // in use
	fault  string       // why the file was of no use when ReloadKeys last read it
}

// Signers returns the Signers of a site at the URL public.
func (s *Stores) Signers(public *url.URL) (_ *Signers, err error) {
	all := &Signers{stores: s, keys: s.Ring}
	if all.Devices, err = session.NewDevices(public.Scheme == "https", s.Ring.Derive("device")); err != nil {
		return nil, err
	}
	all.Passkeys, err = passkey.New(passkey.Options{
		DB: s.DB, Sessions: s.Sessions, Public: public, SiteName: s.Config.SiteName, Keys: s.Ring.Derive("passkey"), Now: s.Accounts.Now,
		Changed: s.Accounts.FactorsChanged, FirstRecovery: s.Factors.FirstRecovery, LastRecovery: s.Factors.LastRecovery,
	})
	if err != nil {
		return nil, err
	}
	if s.Config.Lab == "on" {
		all.Lab = anatomy.New(labKeys(s.Ring))
	}
	all.Gate, err = gate.New(gate.Options{
		Public: public, Hosts: s.Config.GateHosts, Apps: s.Apps.Rules, Domain: s.Config.CookieDomain, Keys: s.Ring.Derive("identity"), Now: s.Accounts.Now,
	})
	return all, err
}

// labKeys returns the keys with which the lab signs and encrypts. They are used for nothing
// else.
func labKeys(r keyring.Ring) (sign, block [32]byte) {
	return r.Derive("lab")[0], r.Derive("lab-block")[0]
}

// ReloadKeys reads the session keys from the file, and uses and logs them if they changed. A
// missing or invalid file changes nothing and is logged once; if the keys came from the
// environment, the file is not read. It must not be called concurrently.
func (s *Signers) ReloadKeys(ctx context.Context, dotenv string) {
	if s.stores.Config.KeysFromEnv {
		return
	}
	ring, err := keyring.Read(dotenv)
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	if fault != s.fault && err != nil {
		s.stores.Log.WarnContext(ctx, "the session keys cannot be read again, and those in use stay", "error", err)
	}
	s.fault = fault
	if err != nil || ring.Text() == s.keys.Text() {
		return
	}
	if !slices.ContainsFunc(ring.IDs(), func(id string) bool { return slices.Contains(s.keys.IDs(), id) }) {
		s.stores.Log.WarnContext(ctx, "none of the session keys in use is left: everybody is signed out, and no secret of an authenticator app can be read")
	}
	s.keys = ring
	s.stores.changeKeys(ring)
	err = errors.Join(s.stores.Sessions.SetKeys(ring.Derive("session")), s.stores.Sessions.SetGateKeys(ring.Derive("gate")),
		s.Devices.SetKeys(ring.Derive("device")), s.Gate.SetKeys(ring.Derive("identity")), s.Passkeys.SetKeys(ring.Derive("passkey")), s.stores.Factors.SetKeys(ring.Derive("factor")))
	if s.Lab != nil {
		s.Lab.SetKeys(labKeys(ring))
	}
	s.stores.Log.InfoContext(ctx, "session keys changed", "keys", ring.Len(), "error", err)
}
