package account

import "errors"

// ErrReserved means that no new account may have the username: people would
// take it for the site itself, or it stands for something else in an address or
// in the audit log. An account that has such a name goes on.
var ErrReserved = errors.New("the username is reserved")

var reserved = set(
	// who people think speaks for the site
	"admin", "administrator", "administrators", "root", "superuser", "sysadmin", "system", "daemon", "glassjar",
	"staff", "moderator", "official", "operator",
	// RFC 2142 and what mail programs take for themselves
	"abuse", "hostmaster", "postmaster", "webmaster", "security", "support", "info", "noreply", "no-reply", "mailer-daemon", "nobody",
	// the audit log's and the log's own words
	"audit", "audit.csv", "command", "mail", "unknown", "anonymous", "stranger",
	// words in addresses, present and to come, and what stands beside usernames there
	"me", "self", "prove", "passkeys", "new", "invite", "invitations", "api", "auth", "login", "logout", "sign-in", "sign-out", "signin", "signout", "signup",
	"join", "reset", "forgot", "account", "accounts", "people", "apps", "lab", "gate", "pages", "static", "healthz", "readyz",
	"favicon.ico", "robots.txt",
)

func set(names ...string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// NewUsername returns the username of a new account as it is kept.
// Errors: ErrName, ErrReserved.
func NewUsername(typed string) (string, error) {
	name, err := Username(typed)
	if err == nil && reserved[name] {
		return "", ErrReserved
	}
	return name, err
}
