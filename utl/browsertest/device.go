package browsertest

import (
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Device is a device with passkeys in the browser.
type Device struct {
	page *Page
	id   webauthn.AuthenticatorID
}

// Device adds a device that verifies its user to the browser. Requests for a passkey wait
// unless it is touched.
func (p *Page) Device() *Device {
	p.t.Helper()
	return p.plug(webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
	})
}

// Key adds a security key without a PIN to the browser: it does not verify its user.
func (p *Page) Key() *Device {
	p.t.Helper()
	return p.plug(webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb})
}

func (p *Page) plug(o webauthn.VirtualAuthenticatorOptions) *Device {
	p.t.Helper()
	call(p, webauthn.Enable, webauthn.EnableParams{})
	return &Device{p, call(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &o}).AuthenticatorID}
}

// call runs one of Chromium's DevTools commands.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	got, err := chromedp.Call(p.Ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// Touched sets whether somebody touches the device. Chromium looks when a request reaches
// the device, and not later: a request that came before the touch waits forever.
func (d *Device) Touched(on bool) {
	d.page.t.Helper()
	call(d.page, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: d.id, Enabled: on})
}

// Knows sets whether the device verifies its user.
func (d *Device) Knows(on bool) {
	d.page.t.Helper()
	call(d.page, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: d.id, IsUserVerified: on})
}

// Passkeys returns the passkeys in the device.
func (d *Device) Passkeys() []*webauthn.Credential {
	d.page.t.Helper()
	return call(d.page, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: d.id}).Credentials
}

// Put replaces the device's passkeys with this one.
func (d *Device) Put(passkey *webauthn.Credential) {
	d.page.t.Helper()
	call(d.page, webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: d.id})
	call(d.page, webauthn.AddCredential, webauthn.AddCredentialParams{AuthenticatorID: d.id, Credential: passkey})
}
