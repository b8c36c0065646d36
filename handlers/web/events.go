package web

import (
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/browser"
)

// EventLabels has a text for every kind of audit event.
//
// #nosec G101 -- the values are texts
var EventLabels = map[string]string{
	"signin.ok":         "Signed in",
	"signin.failed":     "A sign-in failed",
	"signin.throttled":  "A sign-in was refused: too many had failed",
	"session.ended":     "A session ended",
	"session.proved":    "Who it is was confirmed again",
	"password.changed":  "The password was changed",
	"link.made":         "A link was made",
	"link.used":         "A link was used",
	"link.withdrawn":    "A link was withdrawn",
	"signup.asked":      "Somebody signed up: a link was mailed",
	"account.added":     "The account was made",
	"account.requested": "The account was asked for",
	"account.approved":  "The account was approved",
	"account.rejected":  "The account was rejected, and is gone",
	"account.expired":   "The account was approved by nobody, and is gone",
	"account.disabled":  "The account was disabled",
	"account.enabled":   "The account was enabled",
	"account.locked":    "The account was locked",
	"account.unlocked":  "The lock was lifted",
	"account.deleted":   "The account was deleted",
	"account.groups":    "The groups were changed",
	"account.name":      "The display name was changed",
	"account.email":     "The email address was changed",
	"account.confirmed": "The email address was confirmed",
	"account.role":      "The role was changed",
	"account.freed":     "The username may be taken again",

	"apppassword.made":    "An app password was made",
	"apppassword.revoked": "An app password was revoked",
	"apppassword.failed":  "An app password was refused",

	"app.added":   "An app was added",
	"app.changed": "An app was changed",
	"app.removed": "An app was removed",
	"app.tested":  "An app was tested",

	"passkey.added":   "A passkey was added",
	"passkey.renamed": "A passkey was renamed",
	"passkey.removed": "A passkey was removed",
	"passkey.copied":  "A passkey was refused: there may be a copy of it",

	"database.restored": "The database is a backup from here on: all sessions were ended",

	"code.added":      "An authenticator app was set up",
	"code.removed":    "The authenticator app was turned off",
	"code.failed":     "A code was wrong",
	"recovery.made":   "Recovery codes were made",
	"recovery.saved":  "The recovery codes were saved",
	"recovery.used":   "A recovery code was used",
	"factors.cleared": "All factors but the password were removed",

	"key.rotated": "A new session key was made",
	"key.pruned":  "Old session keys were removed",
}

// EventRow is an audit event as a page shows it.
type EventRow struct {
	What  string
	When  Moment
	Where string
}

// NewEventRow returns the event as text, with its detail, such as the name of an app
// password.
func NewEventRow(e audit.Entry, now time.Time) EventRow {
	what := EventLabels[e.Kind]
	if e.Detail != "" {
		what += ": " + e.Detail
	}
	where := "by a command on the server"
	switch {
	case e.By.Name == "mail" && e.By.ID == "":
		where = "in a mail"
	case e.By.Address != "":
		where = browser.Words(e.By.Agent) + ", " + e.By.Address
	}
	return EventRow{what, MomentAt(e.At, now), where}
}

// EventRows returns the events as text.
func EventRows(all []audit.Entry, now time.Time) []EventRow {
	rows := make([]EventRow, len(all))
	for i, e := range all {
		rows[i] = NewEventRow(e, now)
	}
	return rows
}
