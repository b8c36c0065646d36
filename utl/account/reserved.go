package account

import "errors"

// ErrReserved means that no new account may have the username, because people would
// take it for the site itself, or because it means something else in a URL or in the
// audit log. Existing accounts keep such a name.
var ErrReserved = errors.New("the username is reserved")

var reserved = set(
	// names that seem to speak for the site
	"admin", "administrator", "administrators", "root", "superuser", "sysadmin", "system", "daemon", "glassjar",
	"staff", "moderator", "official", "operator",
	// the mailbox names of RFC 2142, and those that mail programs use
	"abuse", "hostmaster", "postmaster", "webmaster", "security", "support", "info", "noreply", "no-reply", "mailer-daemon", "nobody",
	// words with a meaning of their own in the audit log and the server's log
	"audit", "audit.csv", "command", "mail", "unknown", "anonymous", "stranger",
	// words in the paths of URLs, present and future, where some stand in a username's place
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

// NewUsername returns the username of a new account as it is stored. Errors: ErrName,
// ErrReserved.
func NewUsername(typed string) (string, error) {
	name, err := Username(typed)
	if err == nil && reserved[name] {
		return "", ErrReserved
	}
	return name, err
}
