// Package handlers assembles the site: New creates the rooms, and routes is the whole
// route table. A page is in the room of its feature, and what all pages share is in
// package web. No room imports another.
package handlers

import (
	"maps"
	"net/http"
	"slices"

	"glassjar/handlers/apps"
	"glassjar/handlers/files"
	"glassjar/handlers/forward"
	"glassjar/handlers/lab"
	"glassjar/handlers/people"
	"glassjar/handlers/self"
	"glassjar/handlers/signin"
	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
)

// site has the core and the rooms.
type site struct {
	*web.Site

	signin  *signin.Room
	self    *self.Room
	people  *people.Room
	apps    *apps.Room
	forward *forward.Room
	lab     *lab.Room   // nil: LAB=off
	files   *files.Room // nil: PAGES_DIR is not set
}

// New returns the handler of the whole site. It returns an error if a template or a
// static file is invalid.
func New(c Config) (http.Handler, error) {
	core, err := web.New(web.Config{
		Accounts: c.Accounts, Sessions: c.Sessions, Devices: c.Devices,
		PublicURL: c.PublicURL, AnyLoopback: c.AnyLoopback, TrustedProxies: c.TrustedProxies,
		Lab: c.Lab != nil, SecondFactor: c.SecondFactor, SiteName: c.SiteName, Templates: c.Templates, Static: c.Static, Log: c.Log, Now: c.Now,
		Answers:    slices.Concat(forward.Answers, signin.Answers, lab.Answers),
		Mistakes:   slices.Concat(self.Mistakes, people.Mistakes, apps.Mistakes),
		OnAppHosts: forward.IsGate, AskedByNginx: forward.IsCheck, Observe: observer(c.Metrics),
	})
	if err != nil {
		return nil, err
	}
	auth := authn.New(authn.Options{Accounts: c.Accounts, Throttle: c.Throttle, Passkeys: c.Passkeys, Factors: c.Factors, Log: counting(c.Metrics, c.Log), Now: c.Now})
	s := &site{
		Site:    core,
		self:    &self.Room{Site: core, Accounts: c.Accounts, Authn: auth, Sessions: c.Sessions, Gate: c.Gate, PasskeyStore: c.Passkeys, Factors: c.Factors},
		people:  &people.Room{Site: core, Accounts: c.Accounts, Factors: c.Factors, Sessions: c.Sessions, SignUp: c.SignUp, Opens: c.Strangers},
		forward: &forward.Room{Site: core, Authn: auth, Sessions: c.Sessions, Gate: c.Gate},
	}
	s.apps = &apps.Room{Site: core, Accounts: c.Accounts, Sessions: c.Sessions, Apps: c.Apps, Gate: c.Gate, Tests: c.Tests, Recipe: c.Recipe}
	hasIndex := func() bool { return false }
	if c.Pages != nil {
		s.files = files.New(core, c.Pages)
		hasIndex = s.files.HasIndex
	}
	if c.Lab != nil {
		s.lab = lab.New(core, c.Lab, c.Accounts.Hasher)
	}
	s.signin, err = signin.New(signin.Config{
		Site: core, Accounts: c.Accounts, Authn: auth, Sessions: c.Sessions, Devices: c.Devices, Passkeys: c.Passkeys, Factors: c.Factors, Gate: c.Gate, Apps: c.Apps,
		SignUp: c.SignUp, HasPages: c.Pages != nil, HasIndex: hasIndex,
	})
	if err != nil {
		return nil, err
	}
	return core.Handler(s.routes(c)), nil
}

// Routes returns the patterns of all routes that New mounts for c, sorted, for tests that
// must cover each of them.
func Routes(c Config) []string { return slices.Sorted(maps.Keys(new(site).routes(c))) }

// routes returns every route of the site, by pattern, with its guard. Each guard takes
// its own type of handler: a handler for members has the account as an argument, so it
// cannot be mounted without the check. Proven and ProvenOwner require a proof of the last
// 10 minutes.
func (s *site) routes(c Config) map[string]http.Handler {
	routes := map[string]http.Handler{
		"GET /{$}":           s.Open(s.signin.Home),
		"GET /auth":          s.Open(s.signin.AuthForm),
		"POST /auth":         s.Open(s.signin.AuthSubmit),
		"GET /auth/code":     s.Open(s.signin.CodeForm),
		"POST /auth/code":    s.Open(s.signin.CodeSubmit),
		"GET /auth/step-up":  s.Member(s.signin.StepUp),
		"POST /auth/passkey": s.Open(s.signin.PasskeySubmit),
		"GET /logout":        s.Open(s.signin.LogoutForm),
		"POST /logout":       s.Open(s.signin.LogoutSubmit),
		"GET /join/{code}":   s.Open(s.signin.JoinForm),
		"POST /join/{code}":  s.Open(s.signin.JoinSubmit),
		"GET /reset/{code}":  s.Open(s.signin.ResetForm),
		"POST /reset/{code}": s.Open(s.signin.ResetSubmit),

		"GET /static/{name}":                 s.Open(s.Static),
		"GET /healthz":                       s.Open(s.Healthz),
		"GET /readyz":                        s.Open(s.Readyz),
		"GET /.well-known/passkey-endpoints": s.Open(s.signin.PasskeyEndpoints),
		"GET /.well-known/change-password":   http.RedirectHandler("/account", http.StatusFound),
	}
	if c.Pages != nil {
		routes["GET /pages/{path...}"] = s.Member(s.files.File)
	}
	if c.SignUp == account.ByApproval || c.SignUp == account.ByAnybody {
		routes["GET /join"] = s.Open(s.signin.SignUpForm)
		routes["POST /join"] = s.Open(s.signin.SignUpSubmit)
	}
	if c.SignUp == account.ByAnybody {
		routes["GET /signup/{code}"] = s.Open(s.signin.ConfirmSignUpForm)
		routes["POST /signup/{code}"] = s.Open(s.signin.ConfirmSignUpSubmit)
	}
	maps.Copy(routes, s.mailedRoutes())
	maps.Copy(routes, s.accountRoutes())
	maps.Copy(routes, s.peopleRoutes())
	maps.Copy(routes, s.appRoutes())
	maps.Copy(routes, s.gateRoutes())
	if c.Lab != nil {
		maps.Copy(routes, s.labRoutes())
	}
	return routes
}

// mailedRoutes are the pages of links in mails, and of the proof.
func (s *site) mailedRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /forgot":          s.Open(s.signin.ForgotForm),
		"POST /forgot":         s.Open(s.signin.ForgotSubmit),
		"GET /confirm/{code}":  s.Open(s.signin.ConfirmForm),
		"POST /confirm/{code}": s.Open(s.signin.ConfirmSubmit),
		"GET /lock/{code}":     s.Open(s.signin.LockForm),
		"POST /lock/{code}":    s.Open(s.signin.LockSubmit),

		"GET /account/prove":  s.Member(s.signin.ProveForm),
		"POST /account/prove": s.Member(s.signin.ProveSubmit),
	}
}

// accountRoutes are the pages of a person's own account.
func (s *site) accountRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /account":                       s.Member(s.self.Account),
		"GET /account/profile":               s.Member(s.self.ProfileForm),
		"POST /account/profile":              s.Member(s.self.ProfileSubmit),
		"GET /account/data":                  s.Member(s.self.DataForm),
		"POST /account/data":                 s.Proven(s.self.DataSubmit),
		"GET /account/delete":                s.Proven(s.self.DeleteForm),
		"POST /account/delete":               s.Proven(s.self.DeleteSubmit),
		"GET /account/events":                s.Member(s.self.Events),
		"GET /account/password":              s.Member(s.self.PasswordForm),
		"POST /account/password":             s.Member(s.self.PasswordSubmit),
		"GET /account/code":                  s.Proven(s.self.Code),
		"POST /account/code":                 s.Proven(s.self.CodeSubmit),
		"GET /account/code/qr.png":           s.Proven(s.self.CodePicture),
		"POST /account/code/remove":          s.Proven(s.self.CodeRemove),
		"GET /account/recovery":              s.Proven(s.self.Recovery),
		"POST /account/recovery":             s.Proven(s.self.RecoverySubmit),
		"POST /account/recovery/file":        s.Member(s.self.RecoveryFile),
		"POST /account/recovery/saved":       s.Member(s.self.RecoverySaved),
		"GET /account/passkeys":              s.Proven(s.self.Passkeys),
		"POST /account/passkeys":             s.Proven(s.self.PasskeySubmit),
		"POST /account/passkeys/{id}/rename": s.Proven(s.self.PasskeyRename),
		"POST /account/passkeys/{id}/remove": s.Proven(s.self.PasskeyRemove),
		"POST /account/notices/{id}/seen":    s.Member(s.self.NoticeSeen),
		"POST /account/lock":                 s.Member(s.self.Lock),
		"POST /account/sessions/{id}/end":    s.Member(s.self.DeviceEnd),
		"POST /account/sessions/end-others":  s.Member(s.self.DevicesEndOthers),
	}
}

// peopleRoutes are the owners' pages about people.
func (s *site) peopleRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /people":                            s.Owner(s.people.People),
		"GET /people/invite":                     s.Owner(s.people.InviteForm),
		"POST /people/invite":                    s.Owner(s.people.InviteSubmit),
		"POST /people/invitations/{id}/withdraw": s.Owner(s.people.WithdrawSubmit),
		"GET /people/audit":                      s.Owner(s.people.Audit),
		"GET /people/audit.csv":                  s.Owner(s.people.AuditFile),
		"GET /people/{username}":                 s.Owner(s.people.Person),
		"POST /people/{username}/profile":        s.Owner(s.people.ProfileSubmit),
		"POST /people/{username}/groups":         s.Owner(s.people.GroupsSubmit),
		"POST /people/{username}/role":           s.ProvenOwner(s.people.RoleSubmit),
		"POST /people/{username}/disable":        s.Owner(s.people.DisableSubmit),
		"POST /people/{username}/unlock":         s.Owner(s.people.UnlockSubmit),
		"POST /people/{username}/enable":         s.Owner(s.people.EnableSubmit),
		"POST /people/{username}/approve":        s.Owner(s.people.ApproveSubmit),
		"POST /people/{username}/reject":         s.Owner(s.people.RejectSubmit),
		"POST /people/{username}/reset":          s.ProvenOwner(s.people.ResetSubmit),
		"POST /people/{username}/clear-factors":  s.ProvenOwner(s.people.ClearFactorsSubmit),
		"POST /people/{username}/end-sessions":   s.Owner(s.people.EndSessionsSubmit),
		"GET /people/{username}/delete":          s.ProvenOwner(s.people.DeleteForm),
		"POST /people/{username}/delete":         s.ProvenOwner(s.people.DeleteSubmit),
	}
}

// appRoutes are the owners' pages about apps.
func (s *site) appRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /apps":                     s.Owner(s.apps.List),
		"GET /apps/new":                 s.ProvenOwner(s.apps.NewForm),
		"POST /apps/new":                s.ProvenOwner(s.apps.NewSubmit),
		"GET /apps/{id}":                s.Owner(s.apps.App),
		"POST /apps/{id}":               s.ProvenOwner(s.apps.Submit),
		"POST /apps/{id}/remove":        s.ProvenOwner(s.apps.RemoveSubmit),
		"GET /apps/{id}/test":           s.Owner(s.apps.Test),
		"POST /apps/{id}/test":          s.ProvenOwner(s.apps.TestSubmit),
		"GET /apps/{id}/recipe/{proxy}": s.Owner(s.apps.RecipeFile),
	}
}

// gateRoutes are what proxies request, also under Authelia's paths, what browsers request
// on an app's host, and the pages of app passwords.
func (s *site) gateRoutes() map[string]http.Handler {
	check, asked := s.OnAppHost(s.forward.Check), s.OnAppHost(s.forward.Forward)
	return map[string]http.Handler{
		"GET /gate/check":             check,
		"GET /gate/forward":           asked,
		"GET /api/authz/auth-request": check,
		"GET /api/authz/forward-auth": asked,
		"GET /gate/callback":          s.OnAppHost(s.forward.Callback),
		"GET /.well-known/jwks.json":  s.Open(s.forward.JWKS),

		"GET /account/app-passwords":              s.Member(s.self.AppPasswords),
		"POST /account/app-passwords":             s.Proven(s.self.AppPasswordSubmit),
		"POST /account/app-passwords/{id}/revoke": s.Proven(s.self.AppPasswordRevoke),
	}
}

// labRoutes are the lab's pages.
func (s *site) labRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /lab":           s.Open(s.lab.Overview),
		"GET /lab/request":   s.Open(s.lab.Request),
		"POST /lab/request":  s.Open(s.lab.RequestSubmit),
		"GET /lab/session":   s.Open(s.lab.Session),
		"POST /lab/session":  s.Open(s.lab.SessionSubmit),
		"GET /lab/cookie":    s.Open(s.lab.Cookie),
		"POST /lab/cookie":   s.Open(s.lab.CookieSubmit),
		"GET /lab/passkey":   s.Open(s.lab.Passkey),
		"POST /lab/passkey":  s.Open(s.lab.PasskeySubmit),
		"GET /lab/sheet":     s.Open(s.lab.Sheet),
		"GET /lab/elsewhere": s.Open(s.lab.Elsewhere),
		"GET /lab/key":       s.Open(s.lab.Key),
		"POST /lab/key":      s.Open(s.lab.KeySubmit),
		"GET /lab/wire":      s.Open(s.lab.Wire),
		"POST /lab/wire":     s.Open(s.lab.WireSubmit),
		"GET /lab/password":  s.Open(s.lab.Password),
		"GET /lab/code":      s.Open(s.lab.Code),
		"POST /lab/code":     s.Open(s.lab.CodeSubmit),
		"POST /lab/password": s.Open(s.lab.PasswordSubmit),
	}
}
