package handlers_test

import (
	"html/template"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers/apps"

	"github.com/jba/templatecheck"

	"glassjar/handlers/lab"
	"glassjar/handlers/people"
	"glassjar/handlers/self"
	"glassjar/handlers/signin"
	"glassjar/handlers/web"
	"glassjar/templates"
	"glassjar/utl/page"
)

// pageData has the struct of each page, by its template's name.
var pageData = map[string]any{
	"account":                   self.AccountPage{},
	"account-app-password-made": self.AppPasswordMadePage{},
	"account-app-passwords":     self.AppPasswordsPage{},
	"account-data":              self.DataPage{},
	"account-delete":            self.DeletePage{},
	"account-profile":           self.ProfilePage{},
	"account-events":            self.EventsPage{},
	"account-code":              self.CodePage{},
	"account-recovery":          self.RecoveryPage{},
	"account-recovery-made":     self.RecoveryMadePage{},
	"account-passkey":           self.PasskeyPage{},
	"account-passkeys":          self.PasskeysPage{},
	"account-password":          self.PasswordPage{},
	"account-prove":             signin.ProvePage{},
	"auth-code":                 signin.CodePage{},
	"auth":                      signin.AuthPage{},
	"error":                     web.ErrorPage{},
	"gate":                      web.AppHostPage{},
	"forgot":                    signin.ForgotPage{},
	"home":                      signin.HomePage{},
	"join":                      signin.JoinPage{},
	"lab":                       lab.OverviewPage{},
	"lab-code":                  lab.CodePage{},
	"lab-elsewhere":             lab.ElsewherePage{},
	"lab-cookie":                lab.CookiePage{},
	"lab-key":                   lab.KeyPage{},
	"lab-passkey":               lab.PasskeyPage{},
	"lab-password":              lab.PasswordPage{},
	"lab-request":               lab.RequestPage{},
	"lab-session":               lab.SessionPage{},
	"lab-sheet":                 lab.SheetPage{},
	"lab-wire":                  lab.WirePage{},
	"mailed":                    signin.MailedPage{},
	"logout":                    signin.LogoutPage{},
	"link":                      people.LinkPage{},
	"people":                    people.Page{},
	"people-invite":             people.InvitePage{},
	"apps":                      apps.Page{},
	"app":                       apps.AppPage{},
	"app-new":                   apps.NewPage{},
	"app-test":                  apps.TestPage{},
	"people-audit":              people.AuditPage{},
	"person":                    people.PersonPage{},
	"person-delete":             people.DeletePage{},
	"signup-confirm":            signin.ConfirmSignUpPage{},
	"signup":                    signin.SignUpPage{},
	"step-up":                   signin.StepUpPage{},
	"reset":                     signin.ResetPage{},
}

// Every template uses only fields and methods of its struct, on every branch.
func TestTemplatesFitTheirStructs(t *testing.T) {
	funcs := template.FuncMap{"asset": func(string) (string, error) { return "", nil }, "lab": func() bool { return true }, "site": func() string { return "" }}
	set, err := page.Parse(templates.FS, funcs)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(templates.FS, "*.html")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "layout.html" })
	for _, name := range names {
		if _, ok := pageData[strings.TrimSuffix(name, ".html")]; !ok {
			t.Errorf("templates/%s has no struct in pageData (handlers/template_test.go)", name)
		}
	}
	for name, data := range pageData {
		tmpl, err := set.Template(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := templatecheck.CheckHTMLStrict(tmpl, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
